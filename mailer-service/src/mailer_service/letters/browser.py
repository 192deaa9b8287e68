"""Pictures of letters, by Playwright and the Chromium of this machine; for development only (`pip install …[preview]`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from mailer_service.errors import PictureFailed
from mailer_service.letters.gallery import Screen


class Photographer:
    """Takes pictures with one browser; raises PictureFailed."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def pictures(self, pages: Sequence[Path], screen: Screen) -> Iterator[bytes]:
        """Yields each whole page as it looks there, PNG; a page wider than the screen is a failure, too."""
        viewport = {"width": screen.width, "height": screen.height}
        try:
            with self._browser.new_context(
                viewport=viewport,  # type: ignore[arg-type] # a TypedDict that the package does not export
                device_scale_factor=screen.scale,
                color_scheme="dark" if screen.dark else "light",
            ) as context:
                shown = context.new_page()
                for page in pages:
                    shown.goto(page.resolve().as_uri())
                    if shown.evaluate("document.documentElement.scrollWidth") > screen.width:
                        raise PictureFailed(f"{page.name} is wider than a {screen.name}")
                    yield shown.screenshot(full_page=True)
        except Error as error:
            raise PictureFailed(error.message.splitlines()[0]) from error


@contextmanager
def photographer(executable: str) -> Iterator[Photographer]:
    """Runs a browser until the end of the block; raises PictureFailed if it cannot be started."""
    with sync_playwright() as playwright:
        try:
            # Root, as in a container, has no use of the sandbox; only our own pages are opened.
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        except Error as error:
            raise PictureFailed(error.message.splitlines()[0]) from error
        with browser:
            yield Photographer(browser)

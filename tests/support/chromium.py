"""Chromium without a display, and windows in it: on a desk, on a phone, in a language, with pictures taken."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    HttpCredentials,
    Page,
    ViewportSize,
    sync_playwright,
)

from support.watch import Watch

ARGUMENTS = (
    "--no-sandbox",  # root, as in a container, has no use of it; only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What somebody holds in their hands.

    Attributes:
        width: CSS pixels of the window, as `height`.
        scale: pixels of the screen for one of CSS.
    """

    width: int
    height: int
    scale: float = 1
    touch: bool = False


DESKTOP = Device(width=1280, height=800)
PHONE = Device(width=390, height=844, scale=2, touch=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A browser window of its own, without memory of earlier ones."""

    context: BrowserContext
    watch: Watch
    pictures: Path
    device: Device

    def open(self, address: str) -> Page:
        """A new tab at that address."""
        page = self.context.new_page()
        page.goto(address)
        return page

    def picture(self, page: Page, name: str) -> None:
        """Keep what the tab shows, whole pages to their end, as `<name>.png`."""
        page.evaluate("document.fonts.ready.then(() => null)")
        page.screenshot(path=self.pictures / f"{name}.png", full_page=True, animations="disabled")

    def assert_fits(self, page: Page) -> None:
        """Nothing sticks out to the side."""
        assert page.evaluate("document.documentElement.scrollWidth") <= self.device.width


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """The system's Chromium without a display and with these arguments too, ended with the block."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    assert executable, "install the package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS, *more])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Browser,
    *,
    device: Device,
    pictures: Path,
    locale: str = "en-GB",
    dark: bool = False,
    login: tuple[str, str] | None = None,
) -> Iterator[Window]:
    """Open a window; at the end of a test that passed so far, look at what was watched.

    Args:
        browser: from `chromium()`.
        device: how large it is.
        pictures: directory for what `picture` keeps.
        locale: of the browser, so what its requests ask for.
        dark: whether the person likes dark pages.
        login: user and password for servers that ask.
    """
    credentials = None if login is None else HttpCredentials(username=login[0], password=login[1])
    context = browser.new_context(
        viewport=ViewportSize(width=device.width, height=device.height),
        device_scale_factor=device.scale,
        is_mobile=device.touch,
        has_touch=device.touch,
        locale=locale,
        timezone_id="Asia/Ho_Chi_Minh",
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        http_credentials=credentials,
    )
    watch = Watch()
    watch.follow(context)
    try:
        yield Window(context=context, watch=watch, pictures=pictures, device=device)
    finally:
        context.close()
    watch.assert_clean()

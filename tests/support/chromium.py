"""Chromium as people use it, with an eye on everything it asks for and complains about."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    HttpCredentials,
    Page,
    Request,
    Response,
    ViewportSize,
    WebError,
    sync_playwright,
)

ARGUMENTS = (
    "--no-sandbox",  # root, as in a container, has no use of it; only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SELF_MADE = {"data", "blob", "about"}
"""Schemes of addresses that no request is sent for."""


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


@dataclass(kw_only=True)  # without slots: Playwright keeps notes of its own on whose methods it calls
class Watch:
    """What a browser window asked for and complained about.

    Attributes:
        requests: as "METHOD address", in their order; no fragments, as a server sees them.
        refused: those answered with an error, as "METHOD path status".
        complaints: errors and warnings of the console (violations of a content security policy are among them) and
            exceptions nobody caught.
    """

    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def expect_refusal(self, what: str) -> None:
        """Say that a request will be refused, as "METHOD path status"."""
        self._expected.append(what)

    @property
    def changes(self) -> list[str]:
        """The requests that may change something, as "METHOD path"."""
        told = (request.split(" ", 1) for request in self.requests)
        return [f"{method} {urlsplit(url).path}" for method, url in told if method not in {"GET", "HEAD"}]

    def assert_clean(self) -> None:
        """Nothing was asked of another machine, nothing complained, nothing refused that was not expected."""
        addresses = [urlsplit(request.split(" ", 1)[1]) for request in self.requests]
        assert not {
            address.geturl()
            for address in addresses
            if address.hostname != "127.0.0.1" and address.scheme not in SELF_MADE
        }
        assert self.complaints == []
        assert self.refused == self._expected

    def follow(self, context: BrowserContext) -> None:
        """Watch every tab of `context`."""
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failure)
        context.on("console", self._on_console)
        context.on("weberror", self._on_exception)

    def _on_request(self, request: Request) -> None:
        self.requests.append(f"{request.method} {request.url.partition('#')[0]}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            path = urlsplit(response.url).path
            self.refused.append(f"{response.request.method} {path} {response.status}")

    def _on_failure(self, request: Request) -> None:
        # The inbox's page keeps a stream of news open, which ends with its tab.
        if request.resource_type != "eventsource":
            self.complaints.append(f"{request.method} {request.url}: {request.failure}")

    def _on_console(self, message: ConsoleMessage) -> None:
        echo_of_a_refusal = message.text.startswith("Failed to load resource: the server responded")
        if message.type in {"error", "warning"} and not echo_of_a_refusal:
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_exception(self, error: WebError) -> None:
        self.complaints.append(f"exception: {error.error}")


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
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a display, ended with the block."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    assert executable, "install the package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
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

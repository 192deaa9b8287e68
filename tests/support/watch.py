"""An eye on everything a browser window asks for and complains about."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

SELF_MADE = {"data", "blob", "about"}
"""Schemes of addresses that no request is sent for."""


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

    def forgive(self, words: str) -> None:
        """Take back every complaint with these words; there must be one."""
        others = [complaint for complaint in self.complaints if words not in complaint]
        assert others != self.complaints, self.complaints
        self.complaints[:] = others

    @property
    def changes(self) -> list[str]:
        """The requests that may change something, as "METHOD path"."""
        told = (request.split(" ", 1) for request in self.requests)
        return [f"{method} {urlsplit(url).path}" for method, url in told if method not in {"GET", "HEAD"}]

    @property
    def elsewhere(self) -> list[str]:
        """The addresses on other machines that were asked for."""
        addresses = [urlsplit(request.split(" ", 1)[1]) for request in self.requests]
        return [
            address.geturl()
            for address in addresses
            if address.hostname != "127.0.0.1" and address.scheme not in SELF_MADE
        ]

    def assert_clean(self) -> None:
        """Nothing was asked of another machine, nothing complained, nothing refused that was not expected."""
        assert not self.elsewhere, f"asked of another machine: {self.elsewhere}"
        assert not self.complaints, f"complaints: {self.complaints}"
        assert self.refused == self._expected, f"refused: {self.refused}"

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
        # The inbox's page keeps a stream of news open, which ends with its tab; a question for a receipt ends with its page.
        left = request.method == "GET" and request.failure == "net::ERR_ABORTED"
        if request.resource_type != "eventsource" and not left:
            self.complaints.append(f"{request.method} {request.url}: {request.failure}")

    def _on_console(self, message: ConsoleMessage) -> None:
        echo_of_a_refusal = message.text.startswith("Failed to load resource: the server responded")
        if message.type in {"error", "warning"} and not echo_of_a_refusal:
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_exception(self, error: WebError) -> None:
        self.complaints.append(f"exception: {error.error}")

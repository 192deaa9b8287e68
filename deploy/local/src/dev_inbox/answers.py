"""What every answer over HTTP has in common: headers, problem+json for errors, no name but the inbox's own."""

from __future__ import annotations

import json
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Any

import structlog
from tornado.web import HTTPError, RequestHandler

from dev_inbox.mailbox import Message
from dev_inbox.state import ServerState

log = structlog.get_logger(__name__)


class Answer(RequestHandler):
    """Base of all handlers."""

    state: ServerState
    names: frozenset[str]

    def initialize(self, *, state: ServerState, names: frozenset[str]) -> None:
        """Takes what the handlers work with."""
        self.state, self.names = state, names

    def prepare(self) -> None:
        """Refuses a name that is not the inbox's: a page elsewhere could have its own name lead here (DNS rebinding)."""
        if not is_own_name(self.request.host_name, self.names):
            raise HTTPError(HTTPStatus.MISDIRECTED_REQUEST, "The inbox does not answer to this name.")

    def set_default_headers(self) -> None:
        """Letters hold secrets, also in development: not cached, not sniffed, not referred to."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.set_header("Server", "dev-inbox")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error is problem+json (RFC 9457)."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        problem: dict[str, object] = {"title": HTTPStatus(status_code).phrase, "status": status_code}
        if isinstance(error, HTTPError) and error.log_message:
            # The library keeps it escaped for a %-format.
            problem["detail"] = error.log_message % error.args
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps(problem))

    def log_exception(
        self, kind: type[BaseException] | None, value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Logs what failed; the library's line would hold the query string."""
        if kind is not None and not isinstance(value, HTTPError):
            log.error("request_failed", handler=type(self).__name__, error=kind.__name__)

    def message(self, message_id: str) -> Message:
        """Returns the message of the path, or ends with 404."""
        message = self.state.mailbox.find(message_id)
        if message is None:
            raise HTTPError(404, "There is no such message; it may have been deleted.")
        return message


class NotFound(Answer):
    """Any other path."""

    def prepare(self) -> None:
        """Refuses every method."""
        super().prepare()
        raise HTTPError(HTTPStatus.NOT_FOUND)


def is_own_name(host: str, names: frozenset[str]) -> bool:
    """Tells whether a request's host is an address, `localhost` or one of `names`; no other site has any of them."""
    name = host.lower().removesuffix(".")
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return name in names or name == "localhost" or name.endswith(".localhost")
    return True


def log_request(handler: RequestHandler) -> None:
    """Logs an answer without its path and query, which may hold an address."""
    log.debug(
        "request_answered",
        handler=type(handler).__name__,
        method=handler.request.method,
        status=int(handler.get_status()),
        seconds=round(handler.request.request_time(), 4),
    )

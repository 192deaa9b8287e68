"""The HTTP side: the JSON API for programs, the page for people. Answers only to names of its own (no DNS rebinding)."""

from __future__ import annotations

import json
import re
import secrets
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Any

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from tornado.web import Application, HTTPError, RequestHandler

from dev_inbox.mailbox import Message
from dev_inbox.parts import read_parts
from dev_inbox.schemas import BadScript, connections_json, message_json, read_rules, rule_json, summary_json
from dev_inbox.state import ServerState

log = structlog.get_logger(__name__)

# A whole start tag, quoted values and all, so that a `<a` inside a value is not taken for a link.
_LINK_TAG = re.compile(r"<(a|area)(?=[\s/>])((?:\"[^\"]*\"|'[^']*'|[^'\"<>])*)>", re.IGNORECASE)
_HTML_PART_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


def build_application(state: ServerState, *, smtp_url: str, host: str) -> Application:
    """Returns the HTTP side.

    Args:
        state: of the inbox.
        smtp_url: shown to people.
        host: a name it answers to beside `localhost` and addresses.
    """
    shared = {"state": state, "names": frozenset({host.lower()})}
    return Application(
        [
            (r"/", Page, {**shared, "smtp_url": smtp_url}),
            (r"/messages/([0-9a-f]+)/html", HtmlPart, shared),
            (r"/healthz", Health, shared),
            (r"/api/messages", Messages, shared),
            (r"/api/messages/([0-9a-f]+)", OneMessage, shared),
            (r"/api/messages/([0-9a-f]+)/source", Source, shared),
            (r"/api/script", RunningScript, shared),
            (r"/api/connections", ConnectionsSeen, shared),
        ],
        default_handler_class=NotFound,
        default_handler_args=shared,
        log_function=log_request,
    )


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


class Health(Answer):
    """Alive."""

    def get(self) -> None:
        """200."""
        self.finish({"status": "ok"})


class Messages(Answer):
    """All messages."""

    def get(self) -> None:
        """Lists them, newest first; `to`, `q`, `before` and `limit` narrow the list."""
        limit = self.get_query_argument("limit", None)
        if limit is not None and not re.fullmatch("[0-9]{1,9}", limit):
            raise HTTPError(400, "limit must be a whole number below a billion.")
        found = self.state.mailbox.newest_first(
            to=self.get_query_argument("to", None),
            words=self.get_query_argument("q", None),
            before=self.get_query_argument("before", None),
            limit=None if limit is None else int(limit),
        )
        self.finish(
            {"messages": [summary_json(message) for message in found], "kept": len(self.state.mailbox)}
        )

    def delete(self) -> None:
        """Forgets them."""
        self.state.mailbox.clear()
        self.set_status(HTTPStatus.NO_CONTENT)


class OneMessage(Answer):
    """One message, taken apart."""

    def get(self, message_id: str) -> None:
        """200 or 404."""
        self.finish(message_json(self.message(message_id)))


class Source(Answer):
    """One message, every byte as it came."""

    def get(self, message_id: str) -> None:
        """A file to save."""
        message = self.message(message_id)
        self.set_header("Content-Type", "message/rfc822")
        self.set_header("Content-Disposition", f'attachment; filename="{message.id}.eml"')
        self.finish(message.raw)


class RunningScript(Answer):
    """The scripted replies."""

    def get(self) -> None:
        """Lists the rules in force and how often each was played."""
        self.finish({"rules": [rule_json(rule, played) for rule, played in self.state.script.played()]})

    def put(self) -> None:
        """Puts a list of rules in force in place of the present ones."""
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise HTTPError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The script is a list of rules as application/json."
            )
        try:
            self.state.script.replace(read_rules(self.request.body))
        except BadScript as error:
            raise HTTPError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
        self.set_status(HTTPStatus.NO_CONTENT)

    def delete(self) -> None:
        """Back to being friendly."""
        self.state.script.replace([])
        self.set_status(HTTPStatus.NO_CONTENT)


class ConnectionsSeen(Answer):
    """What the server saw of its clients."""

    def get(self) -> None:
        """Counts, and the newest connections."""
        self.finish(connections_json(self.state.connections))

    def delete(self) -> None:
        """Counts from zero again."""
        self.state.connections.reset()
        self.set_status(HTTPStatus.NO_CONTENT)


class Page(Answer):
    """The list and the reading view; the script on it asks the API."""

    def initialize(self, *, state: ServerState, names: frozenset[str], smtp_url: str = "") -> None:
        """Knows the address to show while there is nothing else."""
        super().initialize(state=state, names=names)
        self._smtp_url = smtp_url

    def get(self) -> None:
        """The same page whatever is in the mailbox."""
        nonce = secrets.token_urlsafe(16)
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
            "connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        )
        self.finish(_page().render(nonce=nonce, smtp_url=self._smtp_url))


class HtmlPart(Answer):
    """The HTML part alone, for the sandboxed frame: no scripts, nothing from elsewhere, links open a new tab."""

    def get(self, message_id: str) -> None:
        """The part as it came, but for its links; empty if there is none."""
        html = read_parts(self.message(message_id).raw).html
        self.set_header("Content-Security-Policy", _HTML_PART_POLICY)
        self.finish(open_links_in_new_tabs(html or ""))


def open_links_in_new_tabs(html: str) -> str:
    """Gives every link a new tab that cannot reach back; of a repeated attribute browsers take the first."""
    return _LINK_TAG.sub(r'<\1 target="_blank" rel="noopener noreferrer"\2>', html)


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("dev_inbox", "page"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html")


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

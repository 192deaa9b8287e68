"""The HTTP side: the JSON API for programs, beside the page for people."""

from __future__ import annotations

import re
import time
from http import HTTPStatus

from tornado.web import Application, HTTPError

from dev_inbox.answers import Answer, NotFound, log_request
from dev_inbox.pages import HtmlPart, Page
from dev_inbox.schemas import (
    BadScript,
    connections_json,
    letter_json,
    message_json,
    read_rules,
    rule_json,
    summary_json,
)
from dev_inbox.state import ServerState

WAIT_SECONDS_AT_MOST = 60


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


class Health(Answer):
    """Alive."""

    def get(self) -> None:
        """200."""
        self.finish({"status": "ok"})


class Messages(Answer):
    """All messages."""

    async def get(self) -> None:
        """Lists them, newest first, narrowed by `to`, `q`, `letter`, `before`, `after` and `limit`.

        With `wait` an answer without messages comes after so many seconds, any other as soon as there is a message.
        """
        limit = self._number("limit")
        until = time.monotonic() + (self._number("wait", at_most=WAIT_SECONDS_AT_MOST) or 0)
        mailbox, to = self.state.mailbox, self.get_query_argument("to", None)
        after = self.get_query_argument("after", None)
        while True:
            found = mailbox.newest_first(
                to=to,
                words=self.get_query_argument("q", None),
                letter=self.get_query_argument("letter", None),
                before=self.get_query_argument("before", None),
                after=after,
                limit=limit,
            )
            after = mailbox.newest_id or after
            if found or not await mailbox.arrival(within=until - time.monotonic()):
                break
        # Taking a whole mailbox apart would keep everybody waiting.
        line = summary_json if to is None else letter_json
        self.finish({"messages": [line(message) for message in found], "kept": len(mailbox)})

    def delete(self) -> None:
        """Forgets them."""
        self.state.mailbox.clear()
        self.set_status(HTTPStatus.NO_CONTENT)

    def _number(self, name: str, *, at_most: int = 10**9 - 1) -> int | None:
        written = self.get_query_argument(name, None)
        if written is None:
            return None
        if not re.fullmatch("[0-9]{1,9}", written) or int(written) > at_most:
            raise HTTPError(HTTPStatus.BAD_REQUEST, f"{name} must be a whole number up to {at_most}.")
        return int(written)


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

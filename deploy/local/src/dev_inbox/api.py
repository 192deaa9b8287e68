"""The JSON API: messages, the script, connections."""

from __future__ import annotations

from http import HTTPStatus

from tornado.web import HTTPError

from dev_inbox.answers import Answer
from dev_inbox.errors import BadScript
from dev_inbox.schemas import connections_json, message_json, read_rules, rule_json, summary_json


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
        if limit is not None and not (limit.isascii() and limit.isdigit()):
            raise HTTPError(400, "limit must be a whole number.")
        found = self.reception.mailbox.newest_first(
            to=self.get_query_argument("to", None),
            words=self.get_query_argument("q", None),
            before=self.get_query_argument("before", None),
            limit=None if limit is None else int(limit),
        )
        self.finish(
            {"messages": [summary_json(message) for message in found], "kept": len(self.reception.mailbox)}
        )

    def delete(self) -> None:
        """Forgets them."""
        self.reception.mailbox.clear()
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
        self.finish({"rules": [rule_json(rule, played) for rule, played in self.reception.script.played()]})

    def put(self) -> None:
        """Puts a list of rules in force in place of the present ones."""
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise HTTPError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The script is a list of rules as application/json."
            )
        try:
            self.reception.script.replace(read_rules(self.request.body))
        except BadScript as error:
            raise HTTPError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
        self.set_status(HTTPStatus.NO_CONTENT)

    def delete(self) -> None:
        """Back to being friendly."""
        self.reception.script.replace([])
        self.set_status(HTTPStatus.NO_CONTENT)


class ConnectionsSeen(Answer):
    """What the server saw of its clients."""

    def get(self) -> None:
        """Counts, and the newest connections."""
        self.finish(connections_json(self.reception.connections))

    def delete(self) -> None:
        """Counts from zero again."""
        self.reception.connections.reset()
        self.set_status(HTTPStatus.NO_CONTENT)

"""A dead letter on the wire: how it is laid down, how it is taken up again, and how it leaves for another try.

The message is passed on as it came, so that a person can redrive it; its secrets stay sealed. Its reason is in headers that
RabbitMQ's console shows: tokens, numbers and the server's redacted words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from mail_contract.messages import MAX_MESSAGE_BYTES
from mail_contract.topology import Route, dead_route
from mailer_service.incoming import IncomingMessage
from service_runtime.publishing.message import OutgoingMessage, headers_of

REASON = "x-postern-reason"
REPLY = "x-postern-reply"
ATTEMPTS = "x-postern-attempts"
FIRST_SEEN = "x-postern-first-seen"
CLASS = "x-postern-class"
DIED_AT = "x-postern-died-at"

UNCONFIRMED = "unconfirmed"
"""The reason of a letter that the mail server may have."""

BROKERS_DEATH = "x-death"
"""RabbitMQ's own account of a dead-lettering (https://www.rabbitmq.com/docs/dlx), the last one first."""

_HEADERS = "application_headers"
_KEPT = ("correlation_id", "reply_to", "type", "app_id")
"""Properties a redriven letter keeps; an expiration or a user id of its last journey would be wrong on the next."""


def dead_letter(
    message: IncomingMessage,
    reason: str,
    *,
    reply: str | None = None,
    attempts: int = 0,
    first_seen: datetime | None = None,
) -> OutgoingMessage:
    """Returns the message that lays a letter down among the dead.

    Args:
        message: as it came.
        reason: a short token.
        reply: the server's last words, redacted.
        attempts: how many there were.
        first_seen: when it first arrived; None if the ledger does not know it.
    """
    letter_class = message.letter_class()
    headers = {
        **headers_of(message.task, message.id),
        REASON: reason,
        ATTEMPTS: attempts,
        CLASS: letter_class or "unknown",
        DIED_AT: datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if reply is not None:
        headers[REPLY] = reply
    if first_seen is not None:
        headers[FIRST_SEEN] = first_seen.isoformat(timespec="seconds")
    return OutgoingMessage(
        body=json.dumps([message.args, message.kwargs, {}]).encode(),
        headers=headers,
        route=dead_route(letter_class),
        priority=message.priority,
        properties={"correlation_id": message.id},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMessage:
    """A message as it lies in the dead letters, before anybody believed a word of it.

    Attributes:
        tag: by which it is acknowledged or given back.
        body: its bytes; of an oversized one no more than would be allowed.
        size: of the whole body, bytes.
        fingerprint: of the whole body, for those that have no other name.
        properties: AMQP's own, without the headers.
        headers: the rest.
    """

    tag: int
    body: bytes = field(repr=False)
    size: int
    fingerprint: str
    properties: Mapping[str, Any]
    headers: Mapping[str, Any] = field(repr=False)

    @classmethod
    def received(cls, delivered: Any) -> Self:
        """Takes py-amqp's message apart; keeps the beginning only of one that is too large to be anything."""
        body = delivered.body
        whole: bytes = body.encode() if isinstance(body, str) else bytes(body or b"")
        properties = {name: value for name, value in delivered.properties.items() if name != _HEADERS}
        return cls(
            tag=delivered.delivery_info["delivery_tag"],
            body=whole[: MAX_MESSAGE_BYTES + 1],
            size=len(whole),
            fingerprint=hashlib.sha256(whole).hexdigest()[:16],
            properties=properties,
            headers=delivered.properties.get(_HEADERS) or {},
        )

    def redriven(self, route: Route, *, priority: int) -> OutgoingMessage:
        """Returns the message as it once came.

        Its id, body and content type are what they were; what died with it stays behind: every header that begins with
        `x-`, ours and the broker's, and the count of retries. Its priority is said anew, for it may have lost it.

        Args:
            route: where to.
            priority: 0 to 9.
        """
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("x-")}
        return OutgoingMessage(
            body=self.body,
            headers={**headers, "retries": 0},
            route=route,
            priority=priority,
            content_type=self.properties.get("content_type"),
            content_encoding=self.properties.get("content_encoding"),
            properties={name: self.properties[name] for name in _KEPT if name in self.properties},
        )

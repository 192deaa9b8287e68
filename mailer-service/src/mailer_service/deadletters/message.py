"""A letter that lies on the broker: how it is laid down, how it is taken up again, and how it leaves for another try.

A dead letter is the message as it came, so that a person can redrive it; a waiting one is the call again. Secrets stay
sealed. Why it lies there is in headers that RabbitMQ's console shows: tokens, numbers and the server's redacted words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from mail_contract.messages import MAX_MESSAGE_BYTES, Envelope
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import Route, WaitTier, dead_route, wait_route
from mailer_service.incoming import IncomingMessage
from mailer_service.suppression.recipient_hashes import RecipientHashes, tag_of
from service_runtime.publishing.message import OutgoingMessage, call_of, headers_of

REASON = "x-postern-reason"
REPLY = "x-postern-reply"
ATTEMPTS = "x-postern-attempts"
PROVIDER = "x-postern-provider"
RECIPIENT = "x-postern-recipient"
DOMAIN = "x-postern-domain"
FIRST_SEEN = "x-postern-first-seen"
CLASS = "x-postern-class"
DIED_AT = "x-postern-died-at"

UNCONFIRMED = "unconfirmed"
"""The reason of a letter that the mail server may have."""
SUPPRESSED = "suppressed"
"""The reason of a letter that was not sent because its recipient, or the whole domain, gets none."""

BROKERS_DEATH = "x-death"
"""RabbitMQ's own account of a dead-lettering (https://www.rabbitmq.com/docs/dlx), the last one first."""

_HEADERS = "application_headers"
_KEPT = ("correlation_id", "reply_to", "type", "app_id")
"""Properties a redriven letter keeps; an expiration or a user id of its last journey would be wrong on the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a letter lies where it lies.

    Attributes:
        reason: a short token.
        reply: the server's last words, redacted.
        attempts: how many there were.
        provider: whom it was with last, `host:port`.
        first_seen: when it first arrived; None if the ledger does not know it.
        hashes: keyed hashes of its recipient; shown as tags.
    """

    reason: str
    reply: str | None = None
    attempts: int = 0
    provider: str | None = None
    first_seen: datetime | None = None
    hashes: RecipientHashes | None = None

    def headers(self, letter_class: str) -> dict[str, Any]:
        """Returns it as headers; what is not known is left out."""
        known = {
            REASON: self.reason,
            ATTEMPTS: self.attempts,
            CLASS: letter_class,
            REPLY: self.reply,
            PROVIDER: self.provider or None,
            FIRST_SEEN: self.first_seen.isoformat(timespec="seconds") if self.first_seen else None,
            RECIPIENT: tag_of(self.hashes.recipient) if self.hashes else None,
            DOMAIN: tag_of(self.hashes.domain) if self.hashes else None,
        }
        return {name: value for name, value in known.items() if value is not None}


def dead_letter(message: IncomingMessage, why: Why) -> OutgoingMessage:
    """Returns the message that lays a letter down among the dead; `message` is what came."""
    letter_class = message.letter_class()
    died_at = datetime.now(UTC).isoformat(timespec="seconds")
    return OutgoingMessage(
        body=json.dumps([message.args, message.kwargs, {}]).encode(),
        headers={
            **headers_of(message.task, message.id),
            **why.headers(letter_class or "unknown"),
            DIED_AT: died_at,
        },
        route=dead_route(letter_class),
        priority=message.priority,
        properties={"correlation_id": message.id},
    )


def waiting_letter(envelope: Envelope, tier: WaitTier, why: Why) -> OutgoingMessage:
    """Returns the message that lets a letter wait for its next attempt."""
    header = envelope.header
    route = wait_route(header.letter_class, tier)
    call = call_of(DELIVER_LETTER, envelope, route, task_id=header.id, priority=header.priority)
    return replace(call, headers={**call.headers, **why.headers(header.letter_class)})


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """A message as it lies on the broker, before anybody believed a word of it.

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

        Its id, body and content type are what they were; what belongs to where it lay stays behind: every header that
        begins with `x-`, ours and the broker's, and the count of retries. Its priority is said anew, for it may have lost it.

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

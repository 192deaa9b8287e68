"""Publishes a letter to `mail.dead`, its reason in headers that the broker's console shows.

The message is passed on as it came, so that a person can redrive it; its secrets stay sealed. The headers hold tokens,
numbers and the server's redacted words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from celery import Celery
from kombu import Producer

from mail_contract.topology import dead_route
from mailer_service.deadletters.headers import ATTEMPTS, CLASS, DIED_AT, FIRST_SEEN, REASON, REPLY
from mailer_service.incoming import IncomingMessage
from service_runtime.publishing.publish import confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message nobody will try again by itself.

    Attributes:
        message: as it came.
        reason: a short token.
        reply: the server's last words, redacted.
        attempts: how many there were.
        first_seen: when it first arrived; None if the ledger does not know it.
    """

    message: IncomingMessage
    reason: str
    reply: str | None = None
    attempts: int = 0
    first_seen: datetime | None = None

    def headers(self) -> dict[str, str | int]:
        """Returns what an operator reads first."""
        headers: dict[str, str | int] = {
            REASON: self.reason,
            ATTEMPTS: self.attempts,
            CLASS: self.message.letter_class() or "unknown",
            DIED_AT: datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if self.reply is not None:
            headers[REPLY] = self.reply
        if self.first_seen is not None:
            headers[FIRST_SEEN] = self.first_seen.isoformat(timespec="seconds")
        return headers


class DeadLetterPublisher:
    """Puts letters where a person finds them."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def publish(self, dead: DeadLetter) -> None:
        """Returns once the broker has confirmed it; raises BrokerUnavailable or Unroutable."""
        message = dead.message
        route = dead_route(message.letter_class())

        def send(producer: Producer) -> None:
            self._app.send_task(
                message.task,
                args=message.args,
                kwargs=dict(message.kwargs),
                task_id=message.id,
                producer=producer,
                exchange=route.exchange,
                routing_key=route.routing_key,
                priority=message.priority,
                headers=dead.headers(),
                mandatory=True,
                retry=False,
            )

        confirmed(self._app, send, route)

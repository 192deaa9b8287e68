"""Publishes what leaves the dead letters: every message with `mandatory`, many at once, all of them confirmed or said.

In confirm mode the broker numbers what is published on a channel from 1 and answers each number; a message no queue is
bound for is returned before its ack (https://www.rabbitmq.com/docs/confirms). After any failure nobody knows which of
the unanswered messages the broker has, so the outlet is not used again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

from celery import Celery
from kombu import Producer

from mail_contract.messages import DeliveryReport
from mail_contract.tasks import RECORD_REPORT
from mail_contract.topology import REPORT_ROUTE, Route
from mailer_service.deadletters.headers import without_extensions
from mailer_service.deadletters.message import DeadMessage
from mailer_service.deadletters.queue import translated
from mailer_service.errors import NotTaken
from service_runtime.publishing.publish import publish

_PERSISTENT = 2
_ANSWER_SECONDS = 15.0
_KEPT = ("correlation_id", "reply_to", "type", "app_id")
"""Further properties a letter keeps; an expiration or a user id of its last journey would be wrong on the next."""


class RedrivePublisher:
    """A channel of its own on the walker's connection."""

    def __init__(self, app: Celery, connection: Any) -> None:
        self._app = app
        self._published = 0
        self._open: set[int] = set()
        self._refusals: list[str] = []
        self._confirmed: set[int] = set()
        with translated():
            self._connection = connection
            self._channel = cast("Any", connection.channel())
            self._channel.events["basic_return"].add(self._on_return)
            self._channel.events["basic_ack"].add(self._on_ack)
            self._channel.events["basic_nack"].add(self._on_nack)
            self._channel.confirm_select()
            self._producer = Producer(self._channel, auto_declare=False)

    def send(self, message: DeadMessage, route: Route, *, priority: int) -> int:
        """Writes the message to the socket as it once came, and returns its number.

        Its id, body and content type are what they were; what died with it stays behind: every header that begins with
        `x-`, and the count of retries. Its priority is said anew, for it may have lost it on the way.
        """
        headers = without_extensions(dict(message.headers)) | {"retries": 0}
        had = message.properties
        with translated():
            prepared = self._channel.prepare_message(
                message.body,
                priority=priority,
                content_type=had.get("content_type"),
                content_encoding=had.get("content_encoding"),
                headers=headers,
                properties={
                    "delivery_mode": _PERSISTENT,
                    **{name: had[name] for name in _KEPT if name in had},
                },
            )
            self._channel.basic_publish(
                prepared, exchange=route.exchange, routing_key=route.routing_key, mandatory=True
            )
        return self._number()

    def report(self, report: DeliveryReport) -> int:
        """Writes a report to the socket, and returns its number."""
        task_id: UUID = report.id
        with translated():
            publish(self._app, RECORD_REPORT, report, REPORT_ROUTE, task_id=task_id, producer=self._producer)
        return self._number()

    def confirmed(self) -> frozenset[int]:
        """Waits for the broker's answers; returns the numbers it took responsibility for since the last call."""
        until = time.monotonic() + _ANSWER_SECONDS
        with translated():
            while self._open and self._channel.is_open and time.monotonic() < until:
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=max(0.001, until - time.monotonic()))
        taken = frozenset(self._confirmed)
        self._confirmed.clear()
        return taken

    def require_all(self) -> None:
        """Raises NotTaken if anything published was not confirmed."""
        if self._refusals:
            raise NotTaken(self._refusals[0])
        if self._open:
            raise NotTaken("no answer")

    def _number(self) -> int:
        self._published += 1
        self._open.add(self._published)
        return self._published

    def _on_return(self, error: Exception, exchange: str, routing_key: str, _message: Any) -> None:
        code = getattr(error, "reply_code", "")
        self._refusals.append(f"returned {code}, {exchange} {routing_key}")

    def _on_ack(self, number: int, multiple: bool) -> None:
        answered = self._answered(number, multiple)
        # A return tells no number. Without one all is well; with one, what is answered after it goes again.
        if not self._refusals:
            self._confirmed |= answered

    def _on_nack(self, number: int, multiple: bool) -> None:
        self._answered(number, multiple)
        self._refusals.append("refused by a full queue")

    def _answered(self, number: int, multiple: bool) -> set[int]:
        answered = {open_ for open_ in self._open if open_ <= number} if multiple else {number} & self._open
        self._open -= answered
        return answered

"""The messages published on one channel and not yet answered by the broker.

In confirm mode the broker numbers what is published on a channel from 1 and answers every number with an ack or a nack;
one answer may be for all numbers up to its own. A message no queue is bound for is returned first and acked afterwards
(https://www.rabbitmq.com/docs/confirms), so an ack alone proves nothing: only an ack without a return does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

RENEWAL_SECONDS = 5.0
"""Age at which a channel with nacks is given up: a queue that is full for long nacks on each new one, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAnswers:
    """What the broker said about the messages of a window.

    Attributes:
        confirmed: acked and not returned: the broker has taken responsibility.
        refused: returned or nacked, with the reason: the broker does not have them.
        unknown: not answered. The broker may have them or not, so they go again under the same ids.
    """

    confirmed: frozenset[UUID]
    refused: Mapping[UUID, str]
    unknown: frozenset[UUID]


class PublisherConfirms:
    """Counts publishes as the broker does and collects its answers; one for the life of a channel."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._opened_at = clock()
        self._nacked = False
        self._last_tag = 0
        self._open: dict[int, UUID] = {}
        self._returned: dict[UUID, str] = {}
        self._confirmed: set[UUID] = set()
        self._refused: dict[UUID, str] = {}

    @property
    def answered(self) -> bool:
        """Whether nothing is waited for."""
        return not self._open

    @property
    def stale(self) -> bool:
        """Whether a new channel may do better.

        Of several nodes of RabbitMQ up to 3.12: a channel that first publishes to a queue just as its leader has died
        asks the dead node first each time, and nacks, until that node is back (`rabbit_fifo_client:enqueue`).
        """
        return self._nacked and self._clock() - self._opened_at >= RENEWAL_SECONDS

    def add(self, message_id: UUID) -> None:
        """Notes a message just written to the channel; every publish must be noted, or the numbers no longer agree."""
        self._last_tag += 1
        self._open[self._last_tag] = message_id

    def on_return(self, error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        """Handler of `basic_return`: the message is identified by its own correlation id, the task's id."""
        self._returned[UUID(message.properties["correlation_id"])] = (
            f"returned {getattr(error, 'reply_code', '')}".strip()
        )

    def on_ack(self, delivery_tag: int, multiple: bool) -> None:
        """Handler of `basic_ack`."""
        for message_id in self._answer(delivery_tag, multiple):
            reason = self._returned.pop(message_id, None)
            if reason is None:
                self._confirmed.add(message_id)
            else:
                self._refused[message_id] = reason

    def on_nack(self, delivery_tag: int, multiple: bool) -> None:
        """Handler of `basic_nack`: a full queue that refuses publishes, or a broker in trouble."""
        self._nacked = True
        for message_id in self._answer(delivery_tag, multiple):
            self._returned.pop(message_id, None)
            self._refused[message_id] = "nacked"

    def take(self) -> BrokerAnswers:
        """Returns what is known of the messages added since the last call, and forgets them.

        While something is unknown the channel must not be used again: a late answer would meet an empty window.
        """
        verdicts = BrokerAnswers(
            confirmed=frozenset(self._confirmed),
            refused=dict(self._refused),
            unknown=frozenset(self._open.values()),
        )
        for part in (self._confirmed, self._refused, self._returned, self._open):
            part.clear()
        return verdicts

    def _answer(self, delivery_tag: int, multiple: bool) -> list[UUID]:
        tags = [tag for tag in self._open if tag <= delivery_tag] if multiple else [delivery_tag]
        return [self._open.pop(tag) for tag in tags if tag in self._open]

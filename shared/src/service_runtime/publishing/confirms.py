"""What became of each message published on one channel.

In confirm mode the broker numbers what is published on a channel from 1 and answers every number with an ack or a nack;
one answer may be for all numbers up to its own. A message no queue is bound for is returned first and acked afterwards
(https://www.rabbitmq.com/docs/confirms), so an ack alone proves nothing: only an ack without a return does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Any

RENEWAL_SECONDS = 5.0
"""Age at which a channel with nacks is given up: a queue that is full for long nacks on each new one, too."""


class Answer(StrEnum):
    """What the broker said about a message."""

    CONFIRMED = "confirmed"
    """Acked and not returned: the broker has taken responsibility."""
    RETURNED = "returned"
    """No queue is bound for it: the broker does not have it."""
    REFUSED = "refused"
    """Nacked, as a full queue does: the broker does not have it."""
    UNKNOWN = "unknown"
    """Not answered: the broker may have it or not, so it goes again under the same id."""


@dataclass(frozen=True, slots=True)
class PublishOutcome:
    """What became of one message.

    Attributes:
        answer: the broker's.
        reason: a short token, such as `returned 312`, `nacked` or `unanswered`; empty if it is confirmed.
    """

    answer: Answer
    reason: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether the broker has taken responsibility for it."""
        return self.answer is Answer.CONFIRMED


_CONFIRMED = PublishOutcome(Answer.CONFIRMED)
_NACKED = PublishOutcome(Answer.REFUSED, "nacked")


class PublisherConfirms:
    """Counts publishes as the broker does and collects its answers; one for the life of a channel."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._opened_at = clock()
        self._nacked = False
        self._last = 0
        self._window: list[int] = []
        self._open: dict[int, None] = {}
        self._returned: dict[int, str] = {}
        self._answers: dict[int, PublishOutcome] = {}

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

    def add(self) -> int:
        """Notes a message that is about to be written, and returns its number.

        Every publish must be noted, or the numbers no longer agree; before it is written, for where writing fails nobody
        knows whether the broker has it.
        """
        self._last += 1
        self._open[self._last] = None
        self._window.append(self._last)
        return self._last

    def on_return(self, error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        """Handler of `basic_return`: the message tells its number as its own `message_id`."""
        code = getattr(error, "reply_code", "")
        self._returned[int(message.properties["message_id"])] = f"returned {code}".strip()

    def on_ack(self, delivery_tag: int, multiple: bool) -> None:
        """Handler of `basic_ack`."""
        for number in self._answered(delivery_tag, multiple):
            reason = self._returned.pop(number, None)
            self._answers[number] = _CONFIRMED if reason is None else PublishOutcome(Answer.RETURNED, reason)

    def on_nack(self, delivery_tag: int, multiple: bool) -> None:
        """Handler of `basic_nack`: a full queue that refuses publishes, or a broker in trouble."""
        self._nacked = True
        for number in self._answered(delivery_tag, multiple):
            self._returned.pop(number, None)
            self._answers[number] = _NACKED

    def take(self, *, unknown_because: str = "unanswered") -> list[PublishOutcome]:
        """Returns what became of the messages since the last call, in their order, and forgets them.

        While one is unknown the channel must not be used again: a late answer would meet an empty window.

        Args:
            unknown_because: the reason of those that the broker did not answer.
        """
        unknown = PublishOutcome(Answer.UNKNOWN, unknown_because)
        outcomes = [self._answers.get(number, unknown) for number in self._window]
        for part in (self._window, self._open, self._returned, self._answers):
            part.clear()
        return outcomes

    def _answered(self, delivery_tag: int, multiple: bool) -> list[int]:
        if multiple:
            numbers = list(takewhile(lambda number: number <= delivery_tag, self._open))
        else:
            numbers = [delivery_tag] if delivery_tag in self._open else []
        for number in numbers:
            del self._open[number]
        return numbers

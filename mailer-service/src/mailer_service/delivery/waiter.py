"""Waiting inside the process, for as long as it makes sense and never past a stop.

While the ledger is away nothing can be sent. Each thread then keeps the one message it has and asks again every second:
that pauses consumption by itself (prefetch is used up), costs the broker nothing, eats none of the message's
deliveries, and goes on within a second of the database's return.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from mailer_service.errors import LedgerUnavailable

T = TypeVar("T")


class Waiter:
    """Knows when to wait and when to give up.

    Args:
        stop: set when the replica is being stopped.
        ledger_answers: whether the ledger's database can be reached.
        sign: called by a thread that goes on, or waits on purpose, so that it is not taken for a stuck one.
        question_every: seconds between two questions to the database.
    """

    def __init__(
        self,
        *,
        stop: Event,
        ledger_answers: Callable[[], bool],
        sign: Callable[[], None] = lambda: None,
        question_every: float = 1.0,
    ) -> None:
        self._stop = stop
        self._sign = sign
        self._ledger_answers = ledger_answers
        self._question_every = question_every

    @property
    def stopping(self) -> bool:
        """Whether this replica is being stopped."""
        return self._stop.is_set()

    def pause(self, seconds: float) -> bool:
        """Waits; returns False, at once, if the replica is being stopped."""
        self._sign()
        return not self._stop.wait(seconds)

    def until_ledger_answers(self, *, seconds: float = float("inf")) -> bool:
        """Waits until the ledger is back; returns False if that takes longer than `seconds`, or on a stop."""
        give_up = time.monotonic() + seconds
        while not self._ledger_answers():
            if time.monotonic() >= give_up or not self.pause(self._question_every):
                return False
        return True

    def until_done(self, step: Callable[[], T], *, to_the_end: bool = False) -> T:
        """Repeats a step of the ledger until it is done.

        Args:
            step: of the ledger.
            to_the_end: on a stop too, for as long as the process lives; for what must not be left unrecorded.

        Raises:
            LedgerUnavailable: on a stop, unless `to_the_end`.
        """
        while True:
            self._sign()
            try:
                return step()
            except LedgerUnavailable:
                if self.stopping and not to_the_end:
                    raise
                if self.until_ledger_answers():
                    continue
                if not to_the_end:
                    raise
                time.sleep(self._question_every)


class StopSignal(Event):
    """Set once, when the replica is asked to end.

    Attributes:
        at: when it was set, in seconds on the clock; None before.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.at: float | None = None
        self._clock = clock

    def set(self) -> None:
        """Notes the time, and lets everybody go on who waits for a stop."""
        if self.at is None:
            self.at = self._clock()
        super().set()

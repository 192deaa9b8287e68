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


class Patience:
    """Knows when to wait and when to give up."""

    def __init__(
        self, *, stopping: Event, ledger_answers: Callable[[], bool], question_every: float = 1.0
    ) -> None:
        self._stopping = stopping
        self._ledger_answers = ledger_answers
        self._question_every = question_every

    @property
    def exhausted(self) -> bool:
        """Whether this replica is being stopped."""
        return self._stopping.is_set()

    def pause(self, seconds: float) -> bool:
        """Waits; returns False, at once, if the replica is being stopped."""
        return not self._stopping.wait(seconds)

    def until_ledger_answers(self, *, seconds: float = float("inf")) -> bool:
        """Waits until the ledger is back; returns False if that takes longer than `seconds`, or on a stop."""
        give_up = time.monotonic() + seconds
        while not self._ledger_answers():
            if time.monotonic() >= give_up or not self.pause(self._question_every):
                return False
        return True

    def insist(self, step: Callable[[], T]) -> T:
        """Repeats a step of the ledger until it is done; raises LedgerUnavailable only on a stop."""
        while True:
            try:
                return step()
            except LedgerUnavailable:
                if self.exhausted or not self.until_ledger_answers():
                    raise

"""Letters a second, for all replicas together: moments are reserved in the shared row, several at once, and used here.

The row holds the next free moment. Who reserves moves it on by so many intervals, and owns the moments in between: no
burst, no clock but the database's, and far less than a round trip a letter once many letters go. A moment not used is
lost. Less urgent letters reserve only a little ahead, so that an urgent one finds a moment soon.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from mail_contract.classes import LetterClass

_BLOCK_SECONDS = 0.2
"""Of moments reserved at once, at most: so long, and no longer, a replica keeps others from using them."""
_ASK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Moments reserved, evenly spaced.

    Attributes:
        wait: seconds from now to the first.
        interval: seconds between two.
    """

    wait: float
    interval: float


class Reserve(Protocol):
    """Reserves moments for all replicas."""

    def __call__(self, count: int, *, lead: float) -> Block | None:
        """Returns `count` moments, or None if the first is more than `lead` seconds away."""


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return True


class RateLimiter:
    """Hands out moments to the threads of one replica."""

    def __init__(
        self,
        rate: float,
        reserve: Reserve,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] = _sleep,
    ) -> None:
        """Takes the rate, who reserves, and how to wait; a wait that returns False ends the waiting."""
        self._reserve = reserve
        self._clock = clock
        self._pause = pause
        self._largest = max(1, math.floor(rate * _BLOCK_SECONDS))
        self._size = 1
        self._next = 0.0
        self._interval = 0.0
        self._left = 0
        self._lock = Lock()

    def keep(self, letter_class: LetterClass, *, until: float) -> bool:
        """Waits for the letter's moment; returns False, without waiting, if there is none before `until` (monotonic)."""
        while True:
            moment = self._take(letter_class.rate_lead.total_seconds(), until)
            now = self._clock()
            if moment is not None:
                if moment > until:
                    return False
                return moment <= now or self._pause(moment - now)
            if now + _ASK_AGAIN_SECONDS > until or not self._pause(_ASK_AGAIN_SECONDS):
                return False

    def _take(self, lead: float, until: float) -> float | None:
        with self._lock:
            now = self._clock()
            self._drop_the_past(now)
            if self._left == 0 and not self._refill(min(lead, max(0.0, until - now))):
                return None
            moment = self._next
            self._next += self._interval
            self._left -= 1
            if self._left == 0:
                self._size = min(self._largest, self._size * 2)
            return moment

    def _drop_the_past(self, now: float) -> None:
        """A moment is good until the next one: those unused by then would be a burst."""
        if self._left == 0:
            return
        past = min(self._left, int((now - self._next) / self._interval)) if now > self._next else 0
        if past > 0:
            self._left -= past
            self._next += past * self._interval
            self._size = max(1, self._size // 2)

    def _refill(self, lead: float) -> bool:
        asked = self._clock()
        block = self._reserve(self._size, lead=lead)
        if block is None:
            return False
        # Counted from the question: were it from the answer, a slow answer would let the moments of two replicas meet.
        self._next, self._interval, self._left = asked + block.wait, block.interval, self._size
        return True

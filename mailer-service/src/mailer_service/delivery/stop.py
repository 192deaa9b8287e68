"""The signal that a replica is being stopped, and since when."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event


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

"""How many a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Rate:
    """Admits at most so many in any second."""

    def __init__(self, per_second: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._admitted: deque[float] = deque()

    def admit(self) -> bool:
        """Tells whether one more is within the limit, and counts it if so."""
        if self._per_second is None:
            return True
        now = self._clock()
        while self._admitted and self._admitted[0] <= now - 1.0:
            self._admitted.popleft()
        if len(self._admitted) >= self._per_second:
            return False
        self._admitted.append(now)
        return True

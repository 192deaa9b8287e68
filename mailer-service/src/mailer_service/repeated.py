"""Log lines that would be the same for every letter: said three times a minute, and then how often they were not."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock

_EVERY_SECONDS = 60.0
_SAID_AT_MOST = 3
_REMEMBERED = 1000


@dataclass(slots=True)
class _Period:
    """Attributes are when it began, and how often something was and was not said since then."""

    begun_at: float
    said: int = 0
    unsaid: int = 0


class Repeated:
    """Counts what is not said; any thread may ask."""

    def __init__(self, *, every: float = _EVERY_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._periods: dict[Hashable, _Period] = {}
        self._lock = Lock()

    def unsaid(self, what: Hashable) -> int | None:
        """Returns how often this was not said in the period before; None if it is not to be said now."""
        now = self._clock()
        with self._lock:
            known = self._periods.get(what)
            before = 0
            if known is None or now - known.begun_at >= self._every:
                before = known.unsaid if known is not None else 0
                if len(self._periods) >= _REMEMBERED:
                    self._periods.clear()
                known = self._periods[what] = _Period(now)
            if known.said >= _SAID_AT_MOST:
                known.unsaid += 1
                return None
            known.said += 1
            return before

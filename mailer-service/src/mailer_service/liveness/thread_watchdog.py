"""The threads that have a message in hand, and when each last showed that it goes on.

Threads cannot be ended from outside and enforce no limit. Every operation has a bound of its own, but a database that
takes a question and freezes, or a mistake of ours, may hold a thread for ever; so somebody has to look.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident

_INNERMOST = 15
"""Frames of a stack that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentThread:
    """A thread that showed no sign for too long.

    Attributes:
        seconds: how long.
        where: the inner end of its stack: places in the code, no values.
    """

    seconds: float
    where: str


class ThreadWatchdog:
    """Kept by the threads themselves; anybody may look.

    Args:
        clock: seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._signs: dict[int, float] = {}

    @contextmanager
    def holding(self) -> Iterator[None]:
        """This thread has a message in hand meanwhile."""
        thread = get_ident()
        self._signs[thread] = self._clock()
        try:
            yield
        finally:
            del self._signs[thread]

    def sign(self) -> None:
        """This thread goes on, or waits on purpose."""
        thread = get_ident()
        if thread in self._signs:
            self._signs[thread] = self._clock()

    def silent(self, *, longer_than: float) -> SilentThread | None:
        """Returns the thread that has been silent longest, if that is longer than so many seconds."""
        now = self._clock()
        oldest = min(self._signs.copy().items(), key=lambda entry: entry[1], default=None)
        if oldest is None or now - oldest[1] <= longer_than:
            return None
        thread, sign = oldest
        frame = sys._current_frames().get(thread)  # noqa: SLF001 - the only way to another thread's stack
        where = "".join(traceback.format_stack(frame, limit=_INNERMOST)) if frame else ""
        return SilentThread(seconds=now - sign, where=where)

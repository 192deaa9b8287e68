"""Whether a replica is stuck: by the threads that have a message in hand, and by the consumer that hands messages out.

A replica is stuck when only a new start would help. One that waits for its broker, its ledger or its mail server is not: a
new one would wait just the same. Threads cannot be ended from outside and enforce no limit. Every operation has a bound of
its own, but a database that takes a question and freezes, or a mistake of ours, may hold a thread for ever; so somebody
has to look.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, get_ident

import structlog

from service_runtime.celery.heartbeat import LONGEST_SILENCE_SECONDS, Heartbeat

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


log = structlog.get_logger(__name__)

_SLOWEST_STEP_SECONDS = 15.0
"""A step of the ledger at its worst: waiting for a connection of the pool (5), making it (3), the statement (5)."""


class Liveness:
    """Asked by `/healthz`.

    Args:
        watchdog: of the replica.
        heartbeat: of its consumer.
        companions: threads the replica cannot do without, by name: whether each has ended.
        stopping: set once it is being stopped; that has an end of its own.
        lease_seconds: no attempt may take longer, for somebody else may claim its letter then.
    """

    def __init__(
        self,
        *,
        watchdog: ThreadWatchdog,
        heartbeat: Heartbeat,
        companions: Mapping[str, Callable[[], bool]],
        stopping: Event,
        lease_seconds: float,
    ) -> None:
        self._watchdog = watchdog
        self._heartbeat = heartbeat
        self._companions = companions
        self._stopping = stopping
        self._longest_step = max(lease_seconds, _SLOWEST_STEP_SECONDS)

    def not_ready(self) -> Mapping[str, str]:
        """Returns the queues that are not consumed though they should be, and why; a new start would not help."""
        return self._heartbeat.not_ready()

    def complaint(self) -> str | None:
        """Returns why the replica should be started anew; None while it works."""
        if self._stopping.is_set():
            return None
        silence = self._heartbeat.silence()
        if silence > LONGEST_SILENCE_SECONDS:
            log.error("replica_stuck", part="consumer", seconds=round(silence))
            return f"the consumer has not turned for {silence:.0f} s"
        for name, has_ended in self._companions.items():
            if has_ended():
                log.error("replica_stuck", part=name)
                return f"the thread of the {name} has ended"
        thread = self._watchdog.silent(longer_than=self._longest_step)
        if thread is not None:
            log.error("replica_stuck", part="thread", seconds=round(thread.seconds), where=thread.where)
            return f"a thread has been busy with one message for {thread.seconds:.0f} s without a sign"
        return None

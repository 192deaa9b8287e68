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
from typing import Any

import structlog
from celery.bootsteps import StartStopStep
from celery.worker.consumer.tasks import Tasks

from mailer_service.metrics import Metrics

EVERY_SECONDS = 1.0


class Heartbeat:
    """Beats while the event loop turns; while there is no broker, each failed try to connect is a beat.

    Args:
        metrics: told every second which queues are consumed.
        clock: seconds.
    """

    def __init__(self, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._last = clock()
        self._tries = 0
        self._tries_now: Callable[[], int] = lambda: 0
        self._consumers: Any = None

    def beat(self) -> None:
        """The loop has turned."""
        self._last = self._clock()
        self._metrics.consuming(self._consumers.taken if self._consumers else ())

    def absent_queues(self) -> Mapping[str, str]:
        """Returns the queues that the broker does not let this replica consume, and why."""
        consumers = self._consumers
        return consumers.absent if consumers else {}

    def begins(self, tries: Callable[[], int]) -> None:
        """There is a consumer from now on; `tries` tells how often it failed to connect since it last did."""
        self._tries_now = tries
        self.beat()

    def consumes(self, consumers: Any) -> None:
        """There are consumers from now on, or (None) no more."""
        self._consumers = consumers
        self.beat()

    def silence(self) -> float:
        """Returns the seconds since the last sign of life."""
        tries = self._tries_now()
        if tries != self._tries:
            self._tries = tries
            self.beat()
        return self._clock() - self._last


def heartbeat_step(heartbeat: Heartbeat) -> type[StartStopStep]:
    """Returns the step of Celery's consumer that lets this heart beat."""

    class HeartbeatStep(StartStopStep):
        requires = (Tasks,)

        def __init__(self, parent: Any, **options: Any) -> None:
            super().__init__(parent, **options)
            heartbeat.begins(lambda: parent.broker_connection_retry_attempt)

        def start(self, parent: Any) -> None:
            # Belongs to this connection: Celery cancels it with the connection, and starts the step again.
            parent.timer.call_repeatedly(EVERY_SECONDS, heartbeat.beat)
            heartbeat.consumes(parent.task_consumer)

        def stop(self, parent: Any) -> None:  # noqa: ARG002 - celery's signature
            heartbeat.consumes(None)

    return HeartbeatStep


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
_LONGEST_SILENCE_SECONDS = 60.0
"""Of the consumer: it turns every second; while it looks for its broker a try may take 10 s, and 5 s pass between two."""


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

    def degraded(self) -> Mapping[str, str]:
        """Returns the queues that are not consumed though they should be, and why; a new start would not help."""
        return self._heartbeat.absent_queues()

    def complaint(self) -> str | None:
        """Returns why the replica should be started anew; None while it works."""
        if self._stopping.is_set():
            return None
        silence = self._heartbeat.silence()
        if silence > _LONGEST_SILENCE_SECONDS:
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

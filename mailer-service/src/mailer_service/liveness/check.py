"""The judgement: stuck or not, and why.

A replica is stuck when only a new start would help. One that waits for its broker, its ledger or its mail server is
not: a new one would wait just the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event

import structlog

from mailer_service.liveness.heartbeat import Heartbeat
from mailer_service.liveness.thread_watchdog import ThreadWatchdog

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

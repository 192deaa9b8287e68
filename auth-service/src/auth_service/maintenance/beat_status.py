"""How beat is doing, for Prometheus and for whoever starts processes anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from celery.beat import PersistentScheduler, SchedulingError
from prometheus_client import Counter, Gauge, generate_latest

from service_runtime.process_metrics import process_registry

_LONGEST_SILENCE_SECONDS: Final = 900.0
"""It ticks once a minute, but waits inside a tick for a broker that is away, where a new start would not help: it is
started anew once in a quarter of an hour then, which does no harm."""


class BeatStatus:
    """Told by the scheduler, asked by beat's HTTP port.

    Args:
        clock: seconds on the monotonic clock.
        now: seconds since 1970.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self.registry = process_registry(service="auth-beat", distribution="postern-auth-service")
        self._clock, self._now = clock, now
        self._ticked_at = clock()
        self._asks_in_vain = False
        self._last_tick = Gauge(
            "auth_beat_last_tick_timestamp_seconds",
            "When beat last looked at its schedule.",
            registry=self.registry,
        )
        self._asked = Counter(
            "auth_beat_asked",
            "Scheduled work that was asked for, by whether the broker took it.",
            ["task", "result"],
            registry=self.registry,
        )

    def ticked(self) -> None:
        """Beat has looked at its schedule."""
        self._ticked_at = self._clock()
        self._last_tick.set(self._now())

    def asked(self, task: str, *, taken: bool) -> None:
        """Beat has asked for a piece of work."""
        self._asks_in_vain = not taken
        self._asked.labels(task, "published" if taken else "failed").inc()

    def exposition(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def complaint(self) -> str | None:
        """Returns why beat should be started anew; None while it ticks."""
        silence = self._clock() - self._ticked_at
        return f"beat has not ticked for {silence:.0f} s" if silence > _LONGEST_SILENCE_SECONDS else None

    def not_ready(self) -> Mapping[str, str]:
        """Returns what it lacks."""
        return {"broker": "did not take the last request for work"} if self._asks_in_vain else {}


def watched_scheduler(status: BeatStatus) -> type[PersistentScheduler]:
    """Returns Celery's scheduler, which tells this status about what it does."""

    class WatchedScheduler(PersistentScheduler):
        def tick(self, *args: Any, **more: Any) -> Any:
            seconds = super().tick(*args, **more)
            status.ticked()
            return seconds

        def apply_async(self, entry: Any, *args: Any, **more: Any) -> Any:
            try:
                result = super().apply_async(entry, *args, **more)
            except SchedulingError:
                status.asked(entry.task, taken=False)
                raise
            status.asked(entry.task, taken=True)
            return result

    return WatchedScheduler

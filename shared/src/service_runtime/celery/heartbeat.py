"""A sign of life of a Celery worker's consumer, whose loop takes the messages and hands them to threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from celery.bootsteps import StartStopStep
from celery.worker.consumer.tasks import Tasks

EVERY_SECONDS: Final = 1.0
LONGEST_SILENCE_SECONDS: Final = 60.0
"""The consumer turns every second; while it looks for its broker a try may take 10 s, and 5 s pass between two."""


class Heartbeat:
    """Beats while the event loop turns; while there is no broker, each failed try to connect is a beat.

    Args:
        consuming: told every second which queues are consumed.
        clock: seconds.
    """

    def __init__(
        self, *, consuming: Callable[[Collection[str]], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._consuming = consuming
        self._clock = clock
        self._last = clock()
        self._tries = 0
        self._tries_now: Callable[[], int] = lambda: 0
        self._consumers: Any = None

    def beat(self) -> None:
        """The loop has turned."""
        self._last = self._clock()
        self._consuming(self._consumers.taken if self._consumers else ())

    def not_ready(self) -> Mapping[str, str]:
        """Returns the queues that the broker does not let this replica consume, or `broker` where there is none, and why."""
        consumers = self._consumers
        return {"broker": "not connected"} if consumers is None else consumers.absent

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

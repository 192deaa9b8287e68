"""Signs of life of the consumer's own thread, which speaks to the broker and hands messages to the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

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
    """Returns the step of Celery's consumer that lets this pulse beat."""

    class PulseStep(StartStopStep):
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

    return PulseStep

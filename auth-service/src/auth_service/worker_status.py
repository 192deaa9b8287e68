"""⑨ How auth-service's worker is doing, for Prometheus and for whoever starts processes anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from prometheus_client import Counter, Gauge, generate_latest

from auth_service.db.reports import Recorded
from mail_contract.messages import ReportedState
from service_runtime.celery.heartbeat import LONGEST_SILENCE_SECONDS, Heartbeat
from service_runtime.process_metrics import process_registry


class WorkerStatus:
    """Told by the tasks, asked by the worker's HTTP port.

    Args:
        queues: that the worker is to consume.
        clock: seconds on the monotonic clock.
        now: seconds since 1970.
    """

    def __init__(
        self,
        queues: Collection[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.registry = process_registry(service="auth-worker", distribution="postern-auth-service")
        self._queues = tuple(queues)
        self._now = now
        self._reports = Counter(
            "auth_reports",
            "Reports of the mailer by what they say and what they did.",
            ["state", "result"],
            registry=self.registry,
        )
        self._rows = Counter(
            "auth_maintenance_rows", "Rows that scheduled work dealt with.", ["task"], registry=self.registry
        )
        self._finished = Gauge(
            "auth_maintenance_finished_timestamp_seconds",
            "When this worker last finished a piece of scheduled work.",
            ["task"],
            registry=self.registry,
        )
        self._consuming = Gauge(
            "auth_worker_consuming",
            "Whether the worker takes messages of a queue from the broker.",
            ["queue"],
            registry=self.registry,
        )
        self.heartbeat = Heartbeat(consuming=self.consuming, clock=clock)
        self.consuming(())
        for state in ReportedState:  # so that they can be added up before the first report
            self._reports.labels(state, Recorded.MOVED)

    def reported(self, state: ReportedState, recorded: Recorded) -> None:
        """A report was recorded."""
        self._reports.labels(state, recorded).inc()

    def maintained(self, task: str, rows: int) -> None:
        """A piece of scheduled work is done."""
        self._rows.labels(task).inc(rows)
        self._finished.labels(task).set(self._now())

    def consuming(self, taken: Collection[str]) -> None:
        """The names of the queues that messages are taken from at present."""
        for queue in self._queues:
            self._consuming.labels(queue).set(queue in taken)

    def exposition(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def complaint(self) -> str | None:
        """Returns why the worker should be started anew; None while its consumer turns, whatever it waits for."""
        silence = self.heartbeat.silence()
        if silence > LONGEST_SILENCE_SECONDS:
            return f"the consumer has not turned for {silence:.0f} s"
        return None

    def not_ready(self) -> Mapping[str, str]:
        """Returns the queues that it cannot consume, and why."""
        return self.heartbeat.not_ready()

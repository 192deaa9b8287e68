"""Stops taking letters from the broker, and takes them again, while the worker runs and cancellations are still served.

Celery's consumer belongs to the thread of its event loop, so every change is made there. The queues are taken out of
the selection too, and so stay out if the connection to the broker is made anew meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Any

import structlog
from celery import signals
from celery.bootsteps import RUN  # type: ignore[attr-defined] # missing in the stubs

from mailer_service.metrics import Metrics

log = structlog.get_logger(__name__)


class Consumption:
    """The queues of letters that this worker serves.

    Attributes:
        paused: whether none are taken at present.
    """

    def __init__(self, queues: Sequence[str], *, stopping: Event, metrics: Metrics) -> None:
        """Takes the queues, what says that the worker is being stopped, and whom to tell of a pause."""
        self.paused = False
        self._queues = tuple(queues)
        self._stopping = stopping
        self._metrics = metrics
        self._consumer: Any = None
        signals.worker_ready.connect(self._on_ready, weak=False)

    def pause(self) -> None:
        """Takes no more letters; those in hand are done with as ever. Any thread may call, as often as it likes."""
        self._want(paused=True)

    def resume(self) -> None:
        """Takes letters."""
        self._want(paused=False)

    def _want(self, *, paused: bool) -> None:
        if paused != self.paused:
            self.paused = paused
            self._metrics.paused(paused)
            if paused:
                log.error("consumption_paused", queues=self._queues)
            else:
                log.info("consumption_resumed", queues=self._queues)
        if self._consumer is not None and not self._stopping.is_set() and self._out_of_step():
            self._consumer.call_soon(self._change)

    def _on_ready(self, sender: Any, **_: Any) -> None:
        self._consumer = sender
        self._change()

    def _out_of_step(self) -> bool:
        task_consumer = self._consumer.task_consumer
        return task_consumer is not None and any(
            task_consumer.consuming_from(queue) == self.paused for queue in self._queues
        )

    def _change(self) -> None:
        """Runs in the event loop's thread; what a lost connection prevents is done at the next call, or anew by then."""
        consumer = self._consumer
        if self._stopping.is_set() or consumer.blueprint.state != RUN or not self._out_of_step():
            return
        try:
            for queue in self._queues:
                if self.paused:
                    consumer.cancel_task_queue(queue)
                else:
                    consumer.add_task_queue(queue)
        except (*consumer.connection_errors, *consumer.channel_errors, AttributeError) as error:
            log.warning("consumption_not_changed", paused=self.paused, error=type(error).__name__)

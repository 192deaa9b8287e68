"""The two Celery tasks: doors, nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery, Task
from celery.exceptions import Reject

from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mailer_service.errors import Requeued
from mailer_service.incoming import IncomingMessage
from mailer_service.metrics import Metrics
from mailer_service.worker.cancellations import Cancellations
from mailer_service.worker.liveness import ThreadWatchdog
from mailer_service.worker.pipeline import Pipeline


def register(
    app: Celery,
    *,
    pipeline: Pipeline,
    cancellations: Cancellations,
    watchdog: ThreadWatchdog,
    metrics: Metrics,
) -> None:
    """Registers the tasks with the app."""
    for name, take in ((DELIVER_LETTER, pipeline.take), (CANCEL_LETTER, cancellations.take)):
        app.task(name=name, bind=True, typing=False, shared=False)(_door(take, watchdog, metrics))


def _door(
    take: Callable[[IncomingMessage], str], watchdog: ThreadWatchdog, metrics: Metrics
) -> Callable[..., str]:
    def handle(task: Task[..., str], /, *args: Any, **kwargs: Any) -> str:
        message = IncomingMessage(task=task.name, id=task.request.id or "", args=args, kwargs=kwargs)
        result = "broken"
        metrics.taken()
        try:
            with watchdog.holding():
                result = take(message)
        except Requeued as error:
            result = "given_back"
            raise Reject(str(error), requeue=True) from None
        finally:
            metrics.settled(result)
        return result

    return handle

"""The two Celery tasks: the doors to the pipeline and to cancellations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery, Task
from celery.exceptions import Reject

from mail_contract.messages import Cancellation, CancellationReason, ReportedState
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mailer_service.db.tables import NEVER_AMONG_THE_DEAD, LetterState
from mailer_service.deadletters.eraser import DeadLetterEraser
from mailer_service.deadletters.message import Why
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.waiter import Waiter
from mailer_service.errors import LedgerUnavailable, Requeued, Unauthentic
from mailer_service.incoming import IncomingMessage
from mailer_service.metrics import Metrics
from mailer_service.worker.follow_up import FollowUp
from mailer_service.worker.liveness import ThreadWatchdog
from mailer_service.worker.pipeline import Pipeline

log = structlog.get_logger(__name__)


class Cancellations:
    """Withdraws letters."""

    def __init__(
        self, *, ledger: Ledger, follow_up: FollowUp, waiter: Waiter, eraser: DeadLetterEraser
    ) -> None:
        self._eraser = eraser
        self._ledger = ledger
        self._follow_up = follow_up
        self._waiter = waiter

    def take(self, message: IncomingMessage) -> str:
        """Handles one message and returns the letter's state, for monitoring; raises Requeued."""
        if self._waiter.stopping:
            raise Requeued
        try:
            cancellation = message.cancellation()
        except Unauthentic as error:
            log.warning("message_unauthentic", reason=error.reason, task_id=message.id)
            self._follow_up.dead_letter(message, Why(reason=error.reason))
            return "dead"
        try:
            return self._cancel(cancellation)
        except LedgerUnavailable as error:
            raise Requeued from error

    def _cancel(self, cancellation: Cancellation) -> str:
        status = self._waiter.until_done(lambda: self._ledger.cancel(cancellation))
        log.info("letter_cancelled", letter_id=str(cancellation.letter_id), state=status.state)
        if (
            cancellation.reason is CancellationReason.ACCOUNT_DELETED
            and status.state not in NEVER_AMONG_THE_DEAD
        ):
            self._eraser.look_soon()
        # A letter in hand is not cancelled yet: whoever has it reports what became of it.
        if status.state is LetterState.CANCELLED:
            self._follow_up.report(
                cancellation.letter_id, ReportedState.SUPERSEDED, attempt=status.attempts, at=status.at
            )
        return status.state


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

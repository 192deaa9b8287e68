"""⑨ The Celery task that takes reports: decode, record, obey."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from celery import Celery
from celery.exceptions import Reject
from pydantic import ValidationError

from auth_service.backoff import Backoff
from auth_service.db.reports import Recorded
from auth_service.errors import DatabaseUnavailable, UnknownLetter
from auth_service.worker_status import WorkerStatus
from mail_contract.messages import DeliveryReport
from mail_contract.tasks import RECORD_REPORT

log = structlog.get_logger(__name__)

_HOLD_SECONDS: Final = 20 * 60.0
"""How long a report is held while the database is away. Below RabbitMQ's consumer timeout of 30 minutes
(https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout), after which it would close the channel."""


TakeReport = Callable[[DeliveryReport], Recorded]


def register_report_task(
    app: Celery, take: TakeReport, stopping: threading.Event, status: WorkerStatus
) -> None:
    """Gives the app the task `auth.record_report`.

    Args:
        app: of the worker.
        take: records one report; raises UnknownLetter or DatabaseUnavailable.
        stopping: set when the worker is asked to stop.
        status: told about each report that was recorded.
    """

    @app.task(name=RECORD_REPORT)
    def record(message: Any) -> None:
        report = _decode(message)
        try:
            recorded = _hold_until_recorded(report, take, stopping)
        except UnknownLetter as error:
            log.error("report_of_unknown_letter", letter_id=str(report.letter_id), state=report.state)  # noqa: TRY400
            raise Reject("unknown letter", requeue=False) from error
        status.reported(report.state, recorded)
        log.info(
            "report_recorded",
            letter_id=str(report.letter_id),
            state=report.state,
            attempt=report.attempt,
            result=recorded,
        )


def _decode(message: Any) -> DeliveryReport:
    try:
        return DeliveryReport.model_validate(message)
    except ValidationError as error:
        # Where it is wrong may be said, not what stood there.
        places = [
            ".".join(str(part) for part in problem["loc"]) for problem in error.errors(include_input=False)
        ]
        log.error("report_unreadable", places=places[:5])  # noqa: TRY400
        raise Reject("not a report", requeue=False) from error


def _hold_until_recorded(report: DeliveryReport, take: TakeReport, stopping: threading.Event) -> Recorded:
    """Records the report, waiting for the database if need be.

    A report given back to the queue counts against its delivery limit and comes again at once, to the same worker and
    the same absent database: it would spin, and be a dead letter within a second. So it is held here, unacknowledged,
    and with it this worker's small prefetch; all other reports wait in the queue, where they cost nothing. Only where
    the worker stops, or the broker would soon take it back anyway, is it given back.
    """
    backoff = Backoff(first=0.2, longest=5.0)
    until = time.monotonic() + _HOLD_SECONDS
    while True:
        try:
            return take(report)
        except DatabaseUnavailable as error:
            log.warning("report_held", letter_id=str(report.letter_id), error=type(error.__cause__).__name__)
            if stopping.wait(backoff.next()) or time.monotonic() >= until:
                raise Reject("database unavailable", requeue=True) from error

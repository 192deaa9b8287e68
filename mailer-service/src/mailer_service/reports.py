"""Reports of what became of a letter. The same report has the same id however often it is sent, so sending twice is safe."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from mail_contract.messages import DeliveryReport, ReportedState
from mail_contract.tasks import RECORD_REPORT
from mail_contract.topology import REPORT_ROUTE
from service_runtime.publishing.message import OutgoingMessage, call_of

_RETOLD = frozenset({ReportedState.DEFERRED, ReportedState.UNCONFIRMED, ReportedState.FAILED})
"""States a letter can be in several times, once an attempt; all others are told once."""


def report_of(
    letter_id: UUID, state: ReportedState, *, attempt: int, at: datetime, reason: str | None = None
) -> DeliveryReport:
    """Returns what auth-service is told of a letter; its id is a UUID 5 of RFC 9562 in the letter's own namespace.

    Args:
        letter_id: whose.
        state: what became of it.
        attempt: how many attempts there were.
        at: when, by the database.
        reason: a short machine token.
    """
    return DeliveryReport(
        id=uuid5(letter_id, f"{state}:{attempt}" if state in _RETOLD else state),
        letter_id=letter_id,
        state=state,
        at=at,
        attempt=attempt,
        reason=reason,
    )


def outgoing_report(report: DeliveryReport) -> OutgoingMessage:
    """Returns the message that carries a report."""
    return call_of(RECORD_REPORT, report, REPORT_ROUTE, task_id=report.id)

"""⑨ Writing one report down: the letter moves on, its timeline grows, a repeated report changes nothing."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.db.tables import Letter, LetterEvent
from auth_service.domain.delivery import DeliveryState, may_follow
from auth_service.errors import UnknownLetter
from mail_contract.messages import DeliveryReport


class Recorded(StrEnum):
    """What a report did."""

    MOVED = "moved"
    """The letter is in the reported state now."""
    REPEATED = "repeated"
    """It was recorded before."""
    LATE = "late"
    """Something later or final is known of the letter already."""


def record_report(session: Session, report: DeliveryReport) -> Recorded:
    """Records the report in the session's transaction.

    The letter's row is locked for it: the relay's note that the broker took the letter (accepted to queued) comes
    before or after. Where it comes after, it finds the letter gone on and leaves it alone.

    Raises:
        UnknownLetter: no letter of that id.
    """
    state = DeliveryState(report.state)
    # NO KEY UPDATE: whoever adds a row that refers to the letter need not wait.
    current = session.scalar(
        select(Letter.state).where(Letter.id == report.letter_id).with_for_update(key_share=True)
    )
    if current is None:
        raise UnknownLetter
    if not may_follow(state, DeliveryState(current)):
        return Recorded.LATE
    event = session.scalar(
        insert(LetterEvent)
        .values(
            letter_id=report.letter_id, state=state, at=report.at, detail=report.reason, report_id=report.id
        )
        .on_conflict_do_nothing(index_elements=[LetterEvent.report_id])
        .returning(LetterEvent.id)
    )
    if event is None:
        return Recorded.REPEATED
    session.execute(
        update(Letter)
        .where(Letter.id == report.letter_id, Letter.state == current)
        .values(state=state)
        .execution_options(synchronize_session=False)
    )
    return Recorded.MOVED

"""③ Held letters: found, let go or taken out, by an operator or when their time is over. No relay touches them meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.db.audit import record_of_letters
from auth_service.db.tables import HoldTotal, Letter, OutboxRow, Registration
from auth_service.domain.audit import AuditAction
from auth_service.domain.campaign import HoldReason
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.hold import HeldLetter, HoldEnd, Selection
from auth_service.domain.rank import LETTER_RANKS
from auth_service.outbox.message import WAKE_UP_CHANNEL
from auth_service.outbox.settle import move_letters
from mail_contract.letters import LetterClass, LetterName

_OLDEST_FIRST = (OutboxRow.created_at, OutboxRow.id)


def list_held(session: Session, selection: Selection) -> Sequence[HeldLetter]:
    """Returns the selected letters, the oldest first."""
    rows = session.execute(
        select(
            Letter.id,
            Letter.letter,
            Letter.letter_class,
            OutboxRow.held_for,
            OutboxRow.created_at,
            OutboxRow.held_until,
        )
        .join(OutboxRow, OutboxRow.letter_id == Letter.id)
        .where(*_selected(selection))
        .order_by(*_OLDEST_FIRST)
        .limit(selection.most)
    )
    return [
        HeldLetter(
            letter_id=row.id,
            letter=LetterName(row.letter),
            letter_class=LetterClass(row.letter_class),
            reason=HoldReason(row.held_for),
            held_since=row.created_at,
            held_until=row.held_until,
        )
        for row in rows
    ]


def count_held(session: Session, selection: Selection) -> int:
    """Returns how many letters are selected."""
    chosen = select(OutboxRow.id).where(*_selected(selection)).limit(selection.most).subquery()
    return session.scalar(select(func.count()).select_from(chosen)) or 0


def is_held(session: Session, registration_id: UUID) -> bool:
    """Says whether a letter of a registration is held."""
    found = (
        select(OutboxRow.id)
        .join(Letter, Letter.id == OutboxRow.letter_id)
        .where(Letter.registration_id == registration_id, OutboxRow.held_until.is_not(None))
        .limit(1)
    )
    return session.scalar(found) is not None


def release_held(session: Session, selection: Selection, *, limit: int, actor: str) -> int:
    """Lets the selected letters go, at most `limit`; returns how many."""
    chosen = _choose(session, selection, limit)
    record_of_letters(session, AuditAction.HOLD_RELEASE, chosen, actor=actor)
    return _release(session, chosen, HoldEnd.RELEASED)


def drop_held(session: Session, selection: Selection, *, limit: int, actor: str) -> int:
    """Takes the selected letters out, at most `limit`; returns how many. Their receipts say `limited`."""
    chosen = _choose(session, selection, limit)
    record_of_letters(session, AuditAction.HOLD_DROP, chosen, actor=actor)
    return _drop(session, chosen, HoldEnd.DROPPED)


def end_expired_holds(session: Session, *, campaign: bool, limit: int) -> int:
    """Ends holds whose time is over, at most `limit`; returns how many. While the campaign lasts they are dropped."""
    due = _take(session, [OutboxRow.held_until <= func.now()], limit)
    if campaign:
        return _drop(session, due, HoldEnd.EXPIRED_DROPPED)
    return _release(session, due, HoldEnd.EXPIRED_RELEASED)


def _choose(session: Session, selection: Selection, limit: int) -> Sequence[UUID]:
    """Returns rows, whose ids are those of their letters."""
    most = limit if selection.most is None else min(limit, selection.most)
    return _take(session, _selected(selection), most)


def _selected(selection: Selection) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [OutboxRow.held_until.is_not(None)]
    if selection.older_than is not None:
        conditions.append(OutboxRow.created_at <= func.now() - selection.older_than)
    if selection.letter_class is not None:
        conditions.append(OutboxRow.rank == LETTER_RANKS[selection.letter_class])
    return conditions


def _take(session: Session, conditions: Sequence[ColumnElement[bool]], limit: int) -> Sequence[UUID]:
    """Locks rows; those that somebody else is just ending are passed over."""
    return session.scalars(
        select(OutboxRow.id)
        .where(*conditions)
        .order_by(*_OLDEST_FIRST)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def _release(session: Session, rows: Sequence[UUID], end: HoldEnd) -> int:
    if rows:
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.id.in_(rows))
            .values(held_until=None, held_for=None)
            .execution_options(synchronize_session=False)
        )
        # From now on it counts among those that may be confirmed, and what is asked for again is not held either.
        session.execute(
            update(Registration)
            .where(
                Registration.id == Letter.registration_id,
                Letter.id == OutboxRow.letter_id,
                OutboxRow.id.in_(rows),
            )
            .values(held_for=None)
            .execution_options(synchronize_session=False)
        )
        session.execute(select(func.pg_notify(WAKE_UP_CHANNEL, "")))
        _count(session, end, len(rows))
    return len(rows)


def _drop(session: Session, rows: Sequence[UUID], end: HoldEnd) -> int:
    if rows:
        letters = session.scalars(
            delete(OutboxRow)
            .where(OutboxRow.id.in_(rows))
            .returning(OutboxRow.letter_id)
            .execution_options(synchronize_session=False)
        ).all()
        # In this order: what is withdrawn between the two is found by the second.
        move_letters(session, letters, DeliveryState.LIMITED, Letter.withdrawn_at.is_(None))
        move_letters(session, letters, DeliveryState.SUPERSEDED, Letter.withdrawn_at.is_not(None))
        _count(session, end, len(rows))
    return len(rows)


def _count(session: Session, end: HoldEnd, letters: int) -> None:
    new = insert(HoldTotal).values(ended=end, letters=letters)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[HoldTotal.ended], set_={"letters": HoldTotal.letters + new.excluded.letters}
        )
    )


def hold_totals(session: Session) -> dict[HoldEnd, int]:
    """Returns how many held letters ever ended how."""
    found = {
        HoldEnd(row.ended): row.letters for row in session.execute(select(HoldTotal.ended, HoldTotal.letters))
    }
    return {end: found.get(end, 0) for end in HoldEnd}

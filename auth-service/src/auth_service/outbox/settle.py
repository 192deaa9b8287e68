"""③ Settling rows: the message has left, or need not leave any more, so its row goes and its letter moves on.

Every statement is guarded by the claim's token: whoever lost its lease settles nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from auth_service.db.tables import Letter, LetterEvent, OutboxKind, OutboxRow
from auth_service.domain.delivery import DeliveryState, predecessors
from auth_service.domain.renewal import MAX_RENEWALS, RENEWABLE_LETTERS


def settle_published(session: Session, *, token: UUID, ids: Collection[UUID]) -> int:
    """Removes rows whose messages the broker confirmed; their letters become `queued`.

    A letter of which a report was recorded meanwhile keeps the state the report gave it.

    Returns:
        How many rows were still the bearer's.
    """
    removed = _remove(session, token, ids)
    move_letters(session, _letters_of(removed), DeliveryState.QUEUED)
    return len(removed)


def settle_expired(session: Session, *, token: UUID, ids: Collection[UUID]) -> int:
    """Removes rows of letters whose time is over without their having left.

    A letter that was withdrawn meanwhile becomes `superseded`: the mailer will never see it and say so. Any other
    becomes `expired`, and a fresh one is due if its request may have one: the relay holds no key to write it with.
    """
    removed = _remove(session, token, ids)
    letters, renewable = _letters_of(removed), Letter.letter.in_(RENEWABLE_LETTERS)
    # In this order: what is withdrawn between the two is found by the second.
    move_letters(
        session,
        letters,
        DeliveryState.EXPIRED,
        Letter.withdrawn_at.is_(None),
        renewal_due=and_(renewable, Letter.renewal < MAX_RENEWALS),
    )
    move_letters(session, letters, DeliveryState.SUPERSEDED, Letter.withdrawn_at.is_not(None))
    return len(removed)


def settle_moot(session: Session, *, token: UUID, ids: Collection[UUID]) -> int:
    """Removes rows of letters of which a report is known already; nothing else changes."""
    return len(_remove(session, token, ids))


def _letters_of(removed: Sequence[tuple[UUID, str]]) -> Sequence[UUID]:
    return [id_ for id_, kind in removed if kind == OutboxKind.LETTER]


def move_letters(
    session: Session,
    letters: Sequence[UUID],
    state: DeliveryState,
    *conditions: ColumnElement[bool],
    **values: ColumnElement[bool],
) -> None:
    """Moves those of the letters to `state` that may reach it and fit the conditions, each with its event."""
    if not letters:
        return
    moved = (
        update(Letter)
        .where(Letter.id.in_(letters), Letter.state.in_(predecessors(state)), *conditions)
        .values(state=state, **values)
        .returning(Letter.id)
        .cte("moved")
    )
    session.execute(
        insert(LetterEvent).from_select(["letter_id", "state"], select(moved.c.id, literal(state.value)))
    )


def _remove(session: Session, token: UUID, ids: Collection[UUID]) -> Sequence[tuple[UUID, str]]:
    if not ids:
        return []
    return [
        (row.id, row.kind)
        for row in session.execute(
            delete(OutboxRow)
            .where(OutboxRow.claimed_by == token, OutboxRow.id.in_(ids))
            .returning(OutboxRow.id, OutboxRow.kind)
            .execution_options(synchronize_session=False)
        )
    ]

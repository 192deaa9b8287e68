"""③ Settling rows: the message has left, or need not leave any more, so its row goes and its letter moves on.

Every statement is guarded by the claim's token: whoever lost its lease settles nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.orm import Session

from auth_service.domain.delivery import DeliveryState, predecessors
from auth_service.store.tables import Letter, LetterEvent, OutboxKind, OutboxRow


def settle_published(session: Session, *, token: UUID, ids: Collection[UUID]) -> int:
    """Removes rows whose messages the broker confirmed; their letters become `queued`.

    A letter of which a report was recorded meanwhile keeps the state the report gave it.

    Returns:
        How many rows were still the bearer's.
    """
    return _settle(session, token, ids, DeliveryState.QUEUED)


def settle_expired(session: Session, *, token: UUID, ids: Collection[UUID]) -> int:
    """Removes rows of letters whose time is over; the letters become `expired` without having left."""
    return _settle(session, token, ids, DeliveryState.EXPIRED)


def settle_moot(session: Session, *, token: UUID, ids: Collection[UUID]) -> int:
    """Removes rows of letters of which a report is known already; nothing else changes."""
    return len(_remove(session, token, ids))


def _settle(session: Session, token: UUID, ids: Collection[UUID], state: DeliveryState) -> int:
    removed = _remove(session, token, ids)
    letters = [id_ for id_, kind in removed if kind == OutboxKind.LETTER]
    if letters:
        moved = (
            update(Letter)
            .where(Letter.id.in_(letters), Letter.state.in_(predecessors(state)))
            .values(state=state)
            .returning(Letter.id)
            .cte("moved")
        )
        session.execute(
            insert(LetterEvent).from_select(["letter_id", "state"], select(moved.c.id, literal(state.value)))
        )
    return len(removed)


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

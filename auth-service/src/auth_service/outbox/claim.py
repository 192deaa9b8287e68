"""③ Claiming rows: each is in the hands of one relay at a time, and no relay keeps one for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, or_, select, update
from sqlalchemy.orm import Session

from auth_service.db.tables import Letter, OutboxKind, OutboxRow
from auth_service.domain.delivery import DeliveryState
from auth_service.outbox.message import ClaimedMessage


def claim(session: Session, *, token: UUID, limit: int, lease: timedelta) -> Sequence[ClaimedMessage]:
    """Takes the next rows for the bearer of the token.

    Invariant: a row has at most one token, and only its bearer may settle or release it. The token goes to somebody
    else only after the lease has run out by the database's clock, so a relay that froze or died holds nothing back,
    and one that wakes up late can settle nothing. Rows locked by another relay are passed over, not waited for.

    Args:
        session: its transaction is committed by the caller before anything is published.
        token: new for every call.
        limit: rows at most.
        lease: how long the rows are the bearer's.

    Returns:
        The rows in the order in which they are to leave.
    """
    # A CTE, not a subquery: the planner may run a subquery with LIMIT several times and lock more than was asked for.
    due = (
        select(OutboxRow.id)
        .where(
            OutboxRow.available_at <= func.now(),
            OutboxRow.held_until.is_(None),
            or_(OutboxRow.claimed_until.is_(None), OutboxRow.claimed_until <= func.now()),
        )
        .order_by(OutboxRow.rank, OutboxRow.created_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    is_cancellation = OutboxRow.kind == OutboxKind.CANCELLATION
    claimed = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == due.c.id, Letter.id == OutboxRow.letter_id)
        .values(claimed_by=token, claimed_until=func.now() + lease)
        .returning(
            OutboxRow.id,
            OutboxRow.letter_id,
            OutboxRow.kind,
            OutboxRow.payload,
            OutboxRow.attempts,
            OutboxRow.correlation_id,
            OutboxRow.rank,
            OutboxRow.created_at,
            # A cancellation is of use exactly while its letter is on its way.
            or_(is_cancellation, Letter.state == DeliveryState.ACCEPTED).label("pending"),
            and_(~is_cancellation, Letter.expires_at <= func.now()).label("expired"),
        )
        .execution_options(synchronize_session=False)
    ).all()
    return [_message(row) for row in sorted(claimed, key=lambda row: (row.rank, row.created_at, row.id))]


def _message(row: Row[Any]) -> ClaimedMessage:
    return ClaimedMessage(
        id=row.id,
        letter_id=row.letter_id,
        kind=OutboxKind(row.kind),
        payload=row.payload,
        attempts=row.attempts,
        correlation_id=row.correlation_id,
        pending=row.pending,
        expired=row.expired,
    )

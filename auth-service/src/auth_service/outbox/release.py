"""③ Giving rows back that were claimed but not settled, and saying how far behind the outbox is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from auth_service.db.tables import OutboxRow

FIRST_DELAY: Final = timedelta(milliseconds=500)
"""After the first failure; twice as long after each further one."""

LONGEST_DELAY: Final = timedelta(seconds=30)
"""A letter leaves at most this long after what kept it back is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits in the outbox.

    Attributes:
        rows: how many wait for the relay.
        oldest_seconds: age of the oldest of them, 0 where there is none.
        held: how many are held.
    """

    rows: int
    oldest_seconds: float
    held: int


def release_failed(session: Session, *, token: UUID, failures: Mapping[UUID, str]) -> None:
    """Gives rows back whose publishing failed; each is offered again after a delay that grows with its failures.

    Args:
        session: in a transaction the caller commits.
        token: rows of another bearer are left alone.
        failures: reason by row; short, never text from outside.
    """
    # Bounded before the power is taken: a row may fail for weeks.
    doublings = func.least(OutboxRow.attempts, 16)
    delay = func.least(LONGEST_DELAY, FIRST_DELAY * func.power(2, doublings))
    for reason in set(failures.values()):
        _release(
            session,
            token,
            [id_ for id_, why in failures.items() if why == reason],
            attempts=OutboxRow.attempts + 1,
            available_at=func.now() + delay,
            last_error=reason,
        )


def hand_back(session: Session, *, token: UUID, ids: Collection[UUID]) -> None:
    """Gives rows back that were not tried; any relay may take them at once."""
    _release(session, token, ids)


def measure_backlog(session: Session) -> Backlog:
    """Counts what waits, claimed or not."""
    flows = OutboxRow.held_until.is_(None)
    oldest = func.extract("epoch", func.now() - func.min(OutboxRow.created_at).filter(flows))
    rows, seconds, held = session.execute(
        select(func.count().filter(flows), oldest, func.count().filter(~flows)).select_from(OutboxRow)
    ).one()
    return Backlog(rows=rows, oldest_seconds=float(seconds or 0), held=held)


def _release(session: Session, token: UUID, ids: Collection[UUID], **values: object) -> None:
    if ids:
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.claimed_by == token, OutboxRow.id.in_(ids))
            .values(claimed_by=None, claimed_until=None, **values)
            .execution_options(synchronize_session=False)
        )

"""Letters asked of the mailer: written with the first step of their life, withdrawn, and read back as a timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import FromClause, Text, bindparam, func, or_, select, update
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import Session

from auth_service.domain.delivery import DeliveryState
from auth_service.domain.renewal import RequestedLetter
from auth_service.store.base import constant, table_of
from auth_service.store.tables import Letter, LetterEvent
from mail_contract.letters import LetterName

_LETTERS = table_of(Letter)
_EVENTS = table_of(LetterEvent)

# 64 bits of the tag: two recipients that share them wait for each other once in a while, nothing worse.
_LOCK = func.pg_advisory_xact_lock(func.hashtextextended(bindparam("tag", type_=Text()), constant(0)))
_LOCK_RECIPIENT = select(func.now(), _LOCK)
_FIRST = select(_LETTERS.c.id).where(_LETTERS.c.receipt_hash == bindparam("receipt")).scalar_subquery()
# One statement, so that state and timeline are of the same moment; every letter has its first event from birth. The
# newest of a request's letters comes last.
_PROGRESS = (
    select(_LETTERS.c.state.label("now"), _EVENTS.c.at, _EVENTS.c.state, _EVENTS.c.detail)
    .join(_EVENTS, _EVENTS.c.letter_id == _LETTERS.c.id)
    .where(or_(_LETTERS.c.id == _FIRST, _LETTERS.c.renewal_of == _FIRST))
    .order_by(_LETTERS.c.renewal, _EVENTS.c.id)
)
_REQUESTED = select(*(_LETTERS.c[field.name] for field in fields(RequestedLetter))).where(
    _LETTERS.c.id == bindparam("letter_id")
)
_DUE = select(_LETTERS.c.id).where(_LETTERS.c.renewal_due).order_by(_LETTERS.c.id).limit(bindparam("at_most"))
_TAKE_DUE = (
    update(_LETTERS)
    .where(_LETTERS.c.id == bindparam("letter_id"), _LETTERS.c.renewal_due)
    .values(renewal_due=False)
    .returning(_LETTERS.c.id)
)
_IS_WITHDRAWN = select(_LETTERS.c.withdrawn_at.is_not(None)).where(_LETTERS.c.id == bindparam("letter_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of a timeline."""

    at: datetime
    state: DeliveryState
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known of a request: the state of its newest letter, and how it came there, oldest first."""

    state: DeliveryState
    timeline: Sequence[Step]


def lock_recipient(session: Session, recipient_tag: str) -> datetime:
    """Makes flows that write to one mailbox queue up until the end of the transaction; returns the database's time.

    Also where the mailbox has no account: there is no row to lock, yet the flow must do the same.
    """
    now, _ = session.execute(_LOCK_RECIPIENT, {"tag": recipient_tag}).one()
    return cast("datetime", now)


def once_locked() -> FromClause:
    """Returns a row for a statement's FROM that is there once the lock of the recipient `tag` is had; the snapshot is older."""
    locked = select(cast_to(_LOCK, Text()).label("lock")).cte("locked")
    return select(constant(1)).where(locked.c.lock.is_not(None)).subquery("once_locked")


def find_progress(session: Session, receipt_hash: bytes) -> Progress | None:
    """Returns what is known of the letter with this receipt and of those that renewed it, if there is one."""
    steps = session.execute(_PROGRESS, {"receipt": receipt_hash}).all()
    if not steps:
        return None
    return Progress(
        state=DeliveryState(steps[-1].now),
        timeline=[Step(at=step.at, state=DeliveryState(step.state), detail=step.detail) for step in steps],
    )


def find_requested(session: Session, letter_id: UUID) -> RequestedLetter | None:
    """Returns a letter as its renewal sees it; none of that ever changes but the account, which may be deleted."""
    row = session.execute(_REQUESTED, {"letter_id": letter_id}).mappings().one_or_none()
    return None if row is None else RequestedLetter(**{**row, "letter": LetterName(row["letter"])})


def find_due(session: Session, *, limit: int) -> Sequence[UUID]:
    """Returns letters the relay found expired, whose requests may have a fresh one."""
    return session.scalars(_DUE, {"at_most": limit}).all()


def take_due(session: Session, letter_id: UUID) -> bool:
    """Makes the renewal of a letter due no longer; says whether it was, so that of any number only one does it."""
    return session.scalar(_TAKE_DUE, {"letter_id": letter_id}) is not None


def is_withdrawn(session: Session, letter_id: UUID) -> bool:
    """Says whether a cancellation was ever written for a letter: a newer one, or what it says is done or gone."""
    return bool(session.scalar(_IS_WITHDRAWN, {"letter_id": letter_id}))

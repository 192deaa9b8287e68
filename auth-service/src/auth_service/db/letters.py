"""Letters asked of the mailer, read back: as the timeline of a receipt, and for their renewal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session

from auth_service.db.base import table_of
from auth_service.db.tables import Letter, LetterEvent, Registration
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.receipt import LetterProgress, ReceiptState, Step
from auth_service.domain.registration import EndedFor
from auth_service.domain.renewal import RequestedLetter
from mail_contract.letters import LetterName

_LETTERS = table_of(Letter)
_EVENTS = table_of(LetterEvent)
_REGISTRATIONS = table_of(Registration)

_FIRST = select(_LETTERS.c.id).where(_LETTERS.c.receipt_hash == bindparam("receipt")).scalar_subquery()
# One statement, so that everything is of the same moment; every letter has its first event from birth. The newest of a
# request's letters comes last.
_PROGRESS = (
    select(
        _EVENTS.c.at,
        _EVENTS.c.state,
        _EVENTS.c.detail,
        _LETTERS.c.receipt_tells,
        _LETTERS.c.expires_at,
        _LETTERS.c.renewal_due,
        case((_REGISTRATIONS.c.ended_for == EndedFor.CONFIRMED.value, _REGISTRATIONS.c.ended_at)).label(
            "confirmed_at"
        ),
        func.now().label("moment"),
    )
    .join(_EVENTS, _EVENTS.c.letter_id == _LETTERS.c.id)
    .outerjoin(_REGISTRATIONS, _REGISTRATIONS.c.id == _LETTERS.c.registration_id)
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


def find_progress(session: Session, receipt_hash: bytes) -> LetterProgress | None:
    """Returns what is known of the letter with this receipt and of those that renewed it, if there is one."""
    rows = session.execute(_PROGRESS, {"receipt": receipt_hash}).all()
    if not rows:
        return None
    newest = rows[-1]
    return LetterProgress(
        tells=rows[0].receipt_tells,
        steps=[Step(at=row.at, state=ReceiptState(row.state), detail=row.detail) for row in rows],
        expires_at=newest.expires_at,
        renewal_due=newest.renewal_due,
        confirmed_at=newest.confirmed_at,
        now=newest.moment,
    )


def find_requested(session: Session, letter_id: UUID) -> RequestedLetter | None:
    """Returns a letter as its renewal sees it; none of that ever changes but that its registration may be forgotten."""
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


def count_recent_states(session: Session) -> dict[DeliveryState, int]:
    """Returns how many letters that were asked for within the last hour are in which state; every state is there."""
    found = session.execute(
        select(_LETTERS.c.state, func.count())
        .where(_LETTERS.c.created_at > func.now() - timedelta(hours=1))
        .group_by(_LETTERS.c.state)
    )
    return {**dict.fromkeys(DeliveryState, 0), **{DeliveryState(state): count for state, count in found}}

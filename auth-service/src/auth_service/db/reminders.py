"""Registrations that nobody confirmed within a day: which are due for their one reminder, and whether they get it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Boolean, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.db.registrations import COLUMNS, REGISTRATIONS, read_registration
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.registration import REMIND_AFTER, REMIND_WITHIN, Registration
from mail_contract.letters import LetterName

_LETTERS = table_of(tables.Letter)
_REFUSED = table_of(tables.RefusedMailbox)
_IS_UNDECIDED = (REGISTRATIONS.c.ended_at.is_(None), REGISTRATIONS.c.reminded_at.is_(None))
_DUE = (
    select(REGISTRATIONS.c.id, REGISTRATIONS.c.recipient_tag)
    .where(*_IS_UNDECIDED, REGISTRATIONS.c.created_at <= func.now() - REMIND_AFTER)
    .order_by(REGISTRATIONS.c.created_at)
    .limit(bindparam("at_most"))
)
_TAKE = (
    update(REGISTRATIONS)
    .where(REGISTRATIONS.c.id == bindparam("registration"), *_IS_UNDECIDED)
    .values(reminded_at=func.now())
    .returning(*COLUMNS)
)
_OF_MAILBOX = _LETTERS.c.recipient_tag == REGISTRATIONS.c.recipient_tag
_NEWER = REGISTRATIONS.alias("newer")
# A letter of its own came through, the mailbox is not one that is flooded or whose reader wants none, and of several
# registrations of an address only the newest is reminded of, and that once a week.
_WANTS_ONE = select(
    exists()
    .where(
        REGISTRATIONS.c.id == bindparam("registration"),
        REGISTRATIONS.c.created_at > func.now() - REMIND_WITHIN,
        REGISTRATIONS.c.held_for.is_(None),
        or_(REGISTRATIONS.c.proved, ~bindparam("proved_only", type_=Boolean())),
    )
    .where(
        exists().where(
            _LETTERS.c.registration_id == REGISTRATIONS.c.id, _LETTERS.c.state == DeliveryState.SENT.value
        ),
        ~exists().where(
            _OF_MAILBOX,
            _LETTERS.c.created_at >= REGISTRATIONS.c.created_at,
            _LETTERS.c.state.in_([DeliveryState.LIMITED.value, DeliveryState.SUPPRESSED.value]),
        ),
        ~exists().where(
            _OF_MAILBOX,
            _LETTERS.c.letter == LetterName.REGISTRATION_REMINDER.value,
            _LETTERS.c.created_at > func.now() - REMIND_WITHIN,
        ),
        ~exists().where(
            _REFUSED.c.recipient_tag == REGISTRATIONS.c.recipient_tag, _REFUSED.c.until > func.now()
        ),
        ~exists().where(
            _NEWER.c.canonical_email == REGISTRATIONS.c.canonical_email,
            _NEWER.c.created_at > REGISTRATIONS.c.created_at,
            _NEWER.c.ended_at.is_(None),
        ),
    )
)


def find_due(session: Session, *, limit: int) -> Sequence[tuple[UUID, str]]:
    """Returns registrations of which it is to be decided, and the tags of their mailboxes, the oldest first."""
    return [(id_, tag) for id_, tag in session.execute(_DUE, {"at_most": limit})]


def take_due(session: Session, registration_id: UUID) -> Registration | None:
    """Makes a pending registration one that is decided about; None if somebody did, or it ended. Its mailbox is locked."""
    row = session.execute(_TAKE, {"registration": registration_id}).mappings().one_or_none()
    return None if row is None else read_registration(row)


def wants_reminder(session: Session, registration_id: UUID, *, proved_only: bool) -> bool:
    """Says whether a letter of reminder is of use to the registration's mailbox; perhaps only if it came with a proof of work."""
    values = {"registration": registration_id, "proved_only": proved_only}
    return bool(session.scalar(_WANTS_ONE, values))

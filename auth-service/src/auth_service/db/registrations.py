"""Registrations: written, found and ended. Whoever ends one has locked its mailbox (`db/mailboxes.py`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.campaign import HoldReason
from auth_service.domain.registration import EndedFor, Registration, SecondThing

REGISTRATIONS = table_of(tables.Registration)
COLUMNS = tuple(REGISTRATIONS.c[field.name] for field in fields(Registration))
_IS_PENDING = REGISTRATIONS.c.ended_at.is_(None)

_ADD = insert(REGISTRATIONS)
_FIND_BY_SECRET = select(*COLUMNS).where(REGISTRATIONS.c.secret_hash == bindparam("hash"))
_FIND_BY_REFUSAL = select(*COLUMNS).where(REGISTRATIONS.c.refusal_hash == bindparam("hash"))
_FIND_BY_ID = select(*COLUMNS).where(REGISTRATIONS.c.id == bindparam("registration"))
_FIND_NEWEST_PENDING = (
    select(*COLUMNS)
    .where(REGISTRATIONS.c.canonical_email == bindparam("canonical"), _IS_PENDING)
    .order_by((REGISTRATIONS.c.email == bindparam("typed")).desc(), REGISTRATIONS.c.created_at.desc())
    .limit(1)
)
_ALL_OF_ADDRESS = select(REGISTRATIONS.c.id).where(REGISTRATIONS.c.canonical_email == bindparam("canonical"))
_OF_ADDRESS_UNTIL = _ALL_OF_ADDRESS.where(REGISTRATIONS.c.created_at <= bindparam("until"))
_DELETE = delete(REGISTRATIONS).where(REGISTRATIONS.c.id.in_(bindparam("registrations", expanding=True)))
_CONFIRM = (
    update(REGISTRATIONS)
    .where(REGISTRATIONS.c.id == bindparam("registration"), _IS_PENDING)
    .values(
        ended_at=func.now(),
        ended_for=EndedFor.CONFIRMED.value,
        confirmed_with=bindparam("second"),
        password_hash=bindparam("hashed"),
    )
)
_OVERTAKE = (
    update(REGISTRATIONS)
    .where(REGISTRATIONS.c.canonical_email == bindparam("canonical"), _IS_PENDING)
    .values(ended_at=func.now(), ended_for=EndedFor.OVERTAKEN.value)
)
_REFUSE = (
    update(REGISTRATIONS)
    .where(
        REGISTRATIONS.c.id == bindparam("registration"),
        REGISTRATIONS.c.ended_for.is_distinct_from(EndedFor.CONFIRMED.value),
    )
    .values(ended_at=func.now(), ended_for=EndedFor.REFUSED.value)
)

_HOLD_NO_MORE = (
    update(REGISTRATIONS).where(REGISTRATIONS.c.id == bindparam("registration")).values(held_for=None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration:
    """What is kept of a registration when it is made; see `Registration`."""

    id: UUID
    email: str
    canonical_email: str
    recipient_tag: str
    password_hash: str
    locale: str
    device: str
    client_id: str | None
    secret_hash: bytes
    refusal_hash: bytes
    proved: bool
    held_for: HoldReason | None


def add_registration(session: Session, new: NewRegistration, *, now: datetime, taken: bool) -> Registration:
    """Writes a registration down at the database's time `now`; of a taken address one that has ended, for its letter's sake."""
    values = {field.name: getattr(new, field.name) for field in fields(NewRegistration)} | {
        "created_at": now,
        "ended_at": now if taken else None,
        "ended_for": EndedFor.TAKEN if taken else None,
        "confirmed_with": None,
    }
    session.execute(_ADD, values)
    return read_registration(values)


def find_by_secret(session: Session, secret_hash: bytes) -> Registration | None:
    """Returns the registration of a `registration_secret`, if it is remembered."""
    return _one(session, _FIND_BY_SECRET, {"hash": secret_hash})


def find_by_refusal(session: Session, refusal_hash: bytes) -> Registration | None:
    """Returns the registration a refusal link is of, if it is remembered."""
    return _one(session, _FIND_BY_REFUSAL, {"hash": refusal_hash})


def find_by_id(session: Session, registration_id: UUID | None) -> Registration | None:
    """Returns the registration, if it is remembered."""
    return _one(session, _FIND_BY_ID, {"registration": registration_id})


def find_newest_pending(session: Session, *, typed: str, canonical: str) -> Registration | None:
    """Returns the newest pending registration of an address, of the very spelling if there is one."""
    return _one(session, _FIND_NEWEST_PENDING, {"typed": typed, "canonical": canonical})


def confirm_registration(
    session: Session, registration: Registration, *, second: SecondThing, password_hash: str
) -> None:
    """Ends a pending registration as the one that became the account, and every other pending one of the address."""
    session.execute(_CONFIRM, {"registration": registration.id, "second": second, "hashed": password_hash})
    overtake_registrations(session, registration.canonical_email)


def registrations_of(
    session: Session, canonical_email: str, *, until: datetime | None = None
) -> Sequence[UUID]:
    """Returns all that are remembered of an address, whatever became of them, or those made until then."""
    values = {"canonical": canonical_email}
    if until is None:
        return session.scalars(_ALL_OF_ADDRESS, values).all()
    return session.scalars(_OF_ADDRESS_UNTIL, {**values, "until": until}).all()


def delete_registrations(session: Session, registrations: Collection[UUID]) -> None:
    """Forgets registrations, whoever made them."""
    session.execute(_DELETE, {"registrations": list(registrations)})


def overtake_registrations(session: Session, canonical_email: str) -> None:
    """Ends every pending registration of an address that became an account's."""
    session.execute(_OVERTAKE, {"canonical": canonical_email})


def hold_no_more(session: Session, registration: Registration) -> None:
    """Lets letters of a registration go from now on, so that it counts among those that may be confirmed."""
    session.execute(_HOLD_NO_MORE, {"registration": registration.id})


def refuse_registration(session: Session, registration: Registration) -> None:
    """Ends a registration as not asked for by the mailbox's reader; one that became the account stays that."""
    session.execute(_REFUSE, {"registration": registration.id})


def _one(session: Session, statement: Any, values: Mapping[str, Any]) -> Registration | None:
    row = session.execute(statement, values).mappings().one_or_none()
    return None if row is None else read_registration(row)


def read_registration(row: Mapping[str, Any] | RowMapping) -> Registration:
    """Returns the registration in a row that has its columns."""
    values = {field.name: row[field.name] for field in fields(Registration)}
    return Registration(
        **{
            **values,
            "ended_for": values["ended_for"] and EndedFor(values["ended_for"]),
            "confirmed_with": values["confirmed_with"] and SecondThing(values["confirmed_with"]),
            "held_for": values["held_for"] and HoldReason(values["held_for"]),
        }
    )

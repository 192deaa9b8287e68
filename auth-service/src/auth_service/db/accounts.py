"""Accounts: who is verified, how a registration becomes one of them, and what its person signs in with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.account import Account
from auth_service.domain.registration import Registration
from auth_service.domain.session import DISTRUSTED

_ACCOUNTS = table_of(tables.Account)
_SESSIONS = table_of(tables.AccountSession)
_COLUMNS = tuple(_ACCOUNTS.c[field.name] for field in fields(Account))
_FIND = select(*_COLUMNS).where(_ACCOUNTS.c.canonical_email == bindparam("address"))
_CREATE = (
    insert(_ACCOUNTS)
    .values(verified_at=func.now())
    .on_conflict_do_nothing(index_elements=[_ACCOUNTS.c.canonical_email])
    .returning(_ACCOUNTS.c.verified_at)
)
_FIND_CREDENTIALS = select(
    _ACCOUNTS.c.id,
    _ACCOUNTS.c.email,
    _ACCOUNTS.c.canonical_email,
    _ACCOUNTS.c.password_hash,
    _ACCOUNTS.c.disabled_at,
    exists()
    .where(
        _SESSIONS.c.account_id == _ACCOUNTS.c.id,
        _SESSIONS.c.network == bindparam("source"),
        func.coalesce(_SESSIONS.c.ended_for, "").not_in(DISTRUSTED),
    )
    .label("knows_source"),
)
_FIND_CREDENTIALS_BY_ADDRESS = _FIND_CREDENTIALS.where(_ACCOUNTS.c.canonical_email == bindparam("address"))
_FIND_CREDENTIALS_BY_ID = _FIND_CREDENTIALS.where(_ACCOUNTS.c.id == bindparam("account"))
_REHASH = (
    update(_ACCOUNTS)
    .where(_ACCOUNTS.c.id == bindparam("account"), _ACCOUNTS.c.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody may sign in to an account with.

    Attributes:
        id: of the account.
        email, canonical_email: its address.
        password_hash: PHC string; None where nobody has chosen a password.
        disabled_at: since when nobody may sign in.
        knows_source: whether a session of the account, open or not, came from the source that was asked about, and was its person's as
            far as is known.
    """

    id: UUID
    email: str
    canonical_email: str
    password_hash: str | None = field(repr=False)
    disabled_at: datetime | None
    knows_source: bool


def find_account(session: Session, canonical_email: str) -> Account | None:
    """Returns the account of an address, if there is one."""
    row = session.execute(_FIND, {"address": canonical_email}).mappings().one_or_none()
    return None if row is None else Account(**row)


def create_account(
    session: Session, registration: Registration, *, password_hash: str | None
) -> datetime | None:
    """Makes a registration the account of its address; returns since when, or None if the address has one."""
    at = session.scalar(
        _CREATE,
        {
            "id": uuid4(),
            "email": registration.email,
            "canonical_email": registration.canonical_email,
            "password_hash": password_hash,
            "locale": registration.locale,
        },
    )
    return cast("datetime | None", at)


def find_credentials(session: Session, canonical_email: str, *, source: str) -> Credentials | None:
    """Returns what signs in to the account of an address, if it has one; `source` is who asks, as `domain.limit.source_of` names it."""
    values = {"address": canonical_email, "source": source}
    row = session.execute(_FIND_CREDENTIALS_BY_ADDRESS, values).mappings().one_or_none()
    return None if row is None else Credentials(**row)


def find_credentials_of(session: Session, account_id: UUID, *, source: str) -> Credentials | None:
    """Does the same for an account that is known by its id."""
    values = {"account": account_id, "source": source}
    row = session.execute(_FIND_CREDENTIALS_BY_ID, values).mappings().one_or_none()
    return None if row is None else Credentials(**row)


def replace_hash(session: Session, account_id: UUID, *, old: str, new: str) -> None:
    """Puts a newer hash of the same password in the place of the old one, unless the password was changed meanwhile."""
    session.execute(_REHASH, {"account": account_id, "old": old, "new": new})

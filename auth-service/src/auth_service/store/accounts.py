"""Accounts: who is verified, and how a registration becomes one of them."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import cast
from uuid import uuid4

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.registration import Registration
from auth_service.store import tables
from auth_service.store.base import table_of

_ACCOUNTS = table_of(tables.Account)
_COLUMNS = tuple(_ACCOUNTS.c[field.name] for field in fields(Account))
_FIND = select(*_COLUMNS).where(_ACCOUNTS.c.canonical_email == bindparam("address"))
_CREATE = (
    insert(_ACCOUNTS)
    .values(verified_at=func.now())
    .on_conflict_do_nothing(index_elements=[_ACCOUNTS.c.canonical_email])
    .returning(_ACCOUNTS.c.verified_at)
)


def find_account(session: Session, canonical_email: str) -> Account | None:
    """Returns the account of an address, if there is one."""
    row = session.execute(_FIND, {"address": canonical_email}).mappings().one_or_none()
    return None if row is None else Account(**row)


def create_account(session: Session, registration: Registration, *, password_hash: str) -> datetime | None:
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

"""Accounts: every function leaves the row locked for the rest of the transaction, so flows on one address queue up."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.address import Address
from auth_service.domain.one_time_token import Purpose
from auth_service.store import tables
from auth_service.store.base import table_of
from auth_service.store.letters import once_locked

_ACCOUNTS = table_of(tables.Account)
_TOKENS = table_of(tables.OneTimeToken)
_COLUMNS = tuple(_ACCOUNTS.c[field.name] for field in fields(Account))
_IS_UNVERIFIED = _ACCOUNTS.c.verified_at.is_(None)
_RENEWED = ("email", "password_hash", "locale")

_NEW_COLUMNS = ("id", "canonical_email", *_RENEWED)
_NEW = insert(_ACCOUNTS).from_select(
    _NEW_COLUMNS,
    select(*(bindparam(name, type_=_ACCOUNTS.c[name].type) for name in _NEW_COLUMNS)).select_from(
        once_locked()
    ),
)
_REGISTER = _NEW.on_conflict_do_update(
    index_elements=[_ACCOUNTS.c.canonical_email],
    set_={name: case((_IS_UNVERIFIED, _NEW.excluded[name]), else_=_ACCOUNTS.c[name]) for name in _RENEWED}
    | {"generation": _ACCOUNTS.c.generation + case((_IS_UNVERIFIED, 1), else_=0)},
).returning(*_COLUMNS, func.now().label("now"))
_LOCK_BY_ADDRESS = (
    select(*_COLUMNS).where(_ACCOUNTS.c.canonical_email == bindparam("address")).with_for_update()
)
_LOCK_BY_ID = select(*_COLUMNS).where(_ACCOUNTS.c.id == bindparam("account")).with_for_update()
_LOCK_BY_LINK = (
    select(*_COLUMNS)
    .join(_TOKENS, _TOKENS.c.account_id == _ACCOUNTS.c.id)
    .where(_TOKENS.c.link_hash == bindparam("hash"), _TOKENS.c.purpose == bindparam("of_purpose"))
    .with_for_update(of=_ACCOUNTS)
)
_VERIFY = (
    update(_ACCOUNTS)
    .where(
        _ACCOUNTS.c.id == bindparam("account"),
        _ACCOUNTS.c.generation == bindparam("of_generation"),
        _IS_UNVERIFIED,
    )
    .values(verified_at=func.now())
    .returning(_ACCOUNTS.c.verified_at)
)


def register_address(
    session: Session, address: Address, *, recipient_tag: str, password_hash: str, locale: str
) -> tuple[Account, datetime]:
    """Locks the recipient, as `lock_recipient` does; returns its account, made, renewed or as it was, and the database's time.

    One statement for all three, so that any number of registrations at once make one row and none fails, and so
    that they cost the same: an unverified account takes the new password and the next generation, a verified one is
    written back unchanged. What was committed while it waited for the lock it sees: ON CONFLICT takes the newest row.
    """
    row = (
        session.execute(
            _REGISTER,
            {
                "tag": recipient_tag,
                "id": uuid4(),
                "email": address.typed,
                "canonical_email": address.canonical,
                "password_hash": password_hash,
                "locale": locale,
            },
        )
        .mappings()
        .one()
    )
    return Account(**{name: value for name, value in row.items() if name != "now"}), row["now"]


def lock_by_address(session: Session, canonical_email: str) -> Account | None:
    """Returns the account of an address, if there is one."""
    row = session.execute(_LOCK_BY_ADDRESS, {"address": canonical_email}).mappings().one_or_none()
    return None if row is None else Account(**row)


def lock_by_id(session: Session, account_id: UUID | None) -> Account | None:
    """Returns the account, if it is still there."""
    row = session.execute(_LOCK_BY_ID, {"account": account_id}).mappings().one_or_none()
    return None if row is None else Account(**row)


def lock_by_link(session: Session, link_hash: bytes, purpose: Purpose) -> Account | None:
    """Returns the account a link was made for, if there is one."""
    row = session.execute(_LOCK_BY_LINK, {"hash": link_hash, "of_purpose": purpose}).mappings().one_or_none()
    return None if row is None else Account(**row)


def mark_verified(session: Session, account: Account) -> datetime | None:
    """Records that this generation's owner reads the address's mail; returns when, or None if it was too late."""
    at = session.scalar(_VERIFY, {"account": account.id, "of_generation": account.generation})
    return cast("datetime | None", at)

"""An account by its id: locked, changed and deleted. Whoever changes one has its row locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.account import Account
from auth_service.domain.address import Address

ACCOUNTS = table_of(tables.Account)
COLUMNS = tuple(ACCOUNTS.c[field.name] for field in fields(Account))

_IS_IT = ACCOUNTS.c.id == bindparam("account")
_FIND = select(*COLUMNS).where(_IS_IT)
_LOCK = _FIND.with_for_update(key_share=True)
_SET_PASSWORD = update(ACCOUNTS).where(_IS_IT).values(password_hash=bindparam("hashed"))
_SET_LOCALE = update(ACCOUNTS).where(_IS_IT).values(locale=bindparam("language"))
_SET_ADDRESS = (
    update(ACCOUNTS).where(_IS_IT).values(email=bindparam("typed"), canonical_email=bindparam("canonical"))
)
_DISABLE = (
    update(ACCOUNTS)
    .where(_IS_IT, ACCOUNTS.c.disabled_at.is_(None))
    .values(disabled_at=func.now())
    .returning(ACCOUNTS.c.id)
)
_ENABLE = (
    update(ACCOUNTS)
    .where(_IS_IT, ACCOUNTS.c.disabled_at.is_not(None))
    .values(disabled_at=None)
    .returning(ACCOUNTS.c.id)
)
_DELETE = delete(ACCOUNTS).where(_IS_IT)


def find_account_by_id(session: Session, account_id: UUID) -> Account | None:
    """Returns the account, if it is there."""
    return _one(session, _FIND, {"account": account_id})


def lock_account(session: Session, account_id: UUID) -> Account | None:
    """Returns the account as nobody else may change it until the transaction ends; mailboxes are locked before."""
    return _one(session, _LOCK, {"account": account_id})


def set_password(session: Session, account_id: UUID, password_hash: str | None) -> None:
    """Gives an account a password, or none."""
    session.execute(_SET_PASSWORD, {"account": account_id, "hashed": password_hash})


def set_locale(session: Session, account_id: UUID, locale: str) -> None:
    """Sets the language of an account's letters."""
    session.execute(_SET_LOCALE, {"account": account_id, "language": locale})


def set_address(session: Session, account_id: UUID, address: Address) -> bool:
    """Gives an account an address whose mailbox was just proved; says whether it was free.

    `verified_at` stays: whoever was there when an announcement began is to get it.
    """
    values = {"account": account_id, "typed": address.typed, "canonical": address.canonical}
    try:
        with session.begin_nested():
            session.execute(_SET_ADDRESS, values)
    except IntegrityError:
        return False
    return True


def disable_account(session: Session, account_id: UUID) -> bool:
    """Shuts an account; says whether it was open."""
    return session.scalar(_DISABLE, {"account": account_id}) is not None


def enable_account(session: Session, account_id: UUID) -> bool:
    """Opens an account that was shut; says whether it was."""
    return session.scalar(_ENABLE, {"account": account_id}) is not None


def delete_account(session: Session, account_id: UUID) -> None:
    """Deletes an account with its sessions, tokens and changes of address; its letters are nobody's then."""
    session.execute(_DELETE, {"account": account_id})


def _one(session: Session, statement: Any, values: Mapping[str, Any]) -> Account | None:
    row = session.execute(statement, values).mappings().one_or_none()
    return None if row is None else Account(**row)

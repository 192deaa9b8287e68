"""Imports of accounts: what a batch of lines becomes, and how far a file has come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, case, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.account_import import AccountImport
from auth_service.domain.audit import AuditAction, AuditResult
from auth_service.domain.registration import EndedFor

_IMPORTS = table_of(tables.AccountImport)
_ACCOUNTS = table_of(tables.Account)
_REGISTRATIONS = table_of(tables.Registration)
_AUDIT = table_of(tables.AuditEvent)
_FIND = select(*(_IMPORTS.c[field.name] for field in fields(AccountImport))).where(
    _IMPORTS.c.digest == bindparam("of_digest")
)
_ADDRESSES: BindParameter[Any] = bindparam("addresses", expanding=True)
_HAS_ACCOUNT = select(_ACCOUNTS.c.canonical_email).where(_ACCOUNTS.c.canonical_email.in_(_ADDRESSES))
_IS_PENDING = _REGISTRATIONS.c.ended_at.is_(None)
_WAITS = select(_REGISTRATIONS.c.canonical_email).where(
    _REGISTRATIONS.c.canonical_email.in_(_ADDRESSES), _IS_PENDING
)
_OVERTAKE = (
    update(_REGISTRATIONS)
    .where(_REGISTRATIONS.c.canonical_email.in_(_ADDRESSES), _IS_PENDING)
    .values(ended_at=func.now(), ended_for=EndedFor.OVERTAKEN.value)
)


def find_import(session: Session, digest: bytes) -> AccountImport | None:
    """Returns how far the import of a file has come, if it was begun."""
    row = session.execute(_FIND, {"of_digest": digest}).mappings().one_or_none()
    return None if row is None else AccountImport(**row)


def begin_import(session: Session, digest: bytes) -> None:
    """Begins the import of a file, unless it was begun."""
    session.execute(insert(_IMPORTS).values(digest=digest).on_conflict_do_nothing())


def lock_import(session: Session, digest: bytes) -> AccountImport:
    """Returns the import, which was begun, as nobody else may move it until the transaction ends."""
    return AccountImport(**session.execute(_FIND.with_for_update(), {"of_digest": digest}).mappings().one())


def move_import(
    session: Session, digest: bytes, *, accounts: int, pending: int, refused: int, finished: bool
) -> AccountImport:
    """Counts what was done with more records of the file; returns how far it has come."""
    counts = {"accounts": accounts, "pending": pending, "refused": refused}
    values: Mapping[str, Any] = {
        "records": _IMPORTS.c.records + sum(counts.values()),
        **{name: _IMPORTS.c[name] + count for name, count in counts.items()},
        "finished_at": case((true() if finished else _IMPORTS.c.finished_at.is_not(None), func.now())),
    }
    statement = update(_IMPORTS).where(_IMPORTS.c.digest == digest).values(values)
    row = session.execute(statement.returning(*(_IMPORTS.c[field.name] for field in fields(AccountImport))))
    return AccountImport(**row.mappings().one())


def addresses_with_account(session: Session, canonical: Collection[str]) -> set[str]:
    """Returns those of the addresses that have an account."""
    return set(session.scalars(_HAS_ACCOUNT, {"addresses": list(canonical)}))


def addresses_that_wait(session: Session, canonical: Collection[str]) -> set[str]:
    """Returns those of the addresses that have a pending registration."""
    return set(session.scalars(_WAITS, {"addresses": list(canonical)}))


def add_accounts(session: Session, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, UUID]:
    """Makes verified accounts; returns the id of each by its address, without those whose address has an account.

    `made_at` is when each was made there, None for now.
    In the order of their addresses, so that of two imports at once neither waits for the other and is waited for.
    `verified_at` is now, whatever they were there: an announcement counts on nobody being verified before it afterwards.
    """
    if not rows:
        return {}
    created_at = func.least(func.now(), bindparam("made_at", type_=_ACCOUNTS.c.created_at.type))
    statement = (
        insert(_ACCOUNTS)
        .values(verified_at=func.now(), created_at=created_at)
        .on_conflict_do_nothing(index_elements=[_ACCOUNTS.c.canonical_email])
        .returning(_ACCOUNTS.c.canonical_email, _ACCOUNTS.c.id)
    )
    ordered = sorted(rows, key=lambda row: str(row["canonical_email"]))
    made: dict[str, UUID] = {row.canonical_email: row.id for row in session.execute(statement, ordered)}
    session.execute(_OVERTAKE, {"addresses": list(made)})
    return made


def add_pending(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Makes pending registrations."""
    if rows:
        session.execute(insert(_REGISTRATIONS), list(rows))


def record_imports(session: Session, accounts: Collection[UUID], *, actor: str) -> None:
    """Writes down who imported each account."""
    if accounts:
        common = {"actor": actor, "action": AuditAction.ACCOUNT_IMPORT, "result": AuditResult.DONE}
        session.execute(insert(_AUDIT), [{**common, "target": str(id_)} for id_ in accounts])

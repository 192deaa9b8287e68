"""Announcements: who is next, and how far each has come; the cursor moves in the transaction that writes the letters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, RowMapping, bindparam, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.announcement import Addressee, Announcement
from auth_service.domain.rank import LETTER_RANKS
from mail_contract.letters import LetterClass, LetterName

_ANNOUNCEMENTS = table_of(tables.Announcement)
_ACCOUNTS = table_of(tables.Account)
_OUTBOX = table_of(tables.OutboxRow)
_COLUMNS: Final = tuple(_ANNOUNCEMENTS.c[field.name] for field in fields(Announcement))
_FIND = select(*_COLUMNS).where(_ANNOUNCEMENTS.c.name == bindparam("of_name"))
_COUNT = select(func.count()).select_from(_ACCOUNTS)
_HOLD = (
    select(_ACCOUNTS.c.id)
    .where(_ACCOUNTS.c.id.in_(bindparam("accounts", expanding=True)))
    .order_by(_ACCOUNTS.c.id)
    .with_for_update(read=True, key_share=True)
)
_PENDING = select(func.count()).select_from(
    select(literal(1))
    .select_from(_OUTBOX)
    .where(_OUTBOX.c.rank == LETTER_RANKS[LetterClass.BULK])
    .limit(bindparam("at_most", type_=Integer()))
    .subquery()
)
# Of sessions of other roles no times are shown, and none of those verifies anybody.
_OPEN_SINCE = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND xact_start <= :moment"
)


def find_announcement(session: Session, name: str) -> Announcement | None:
    """Returns the announcement of that name, if there is one."""
    row = session.execute(_FIND, {"of_name": name}).mappings().one_or_none()
    return None if row is None else _announcement(row)


def lock_announcement(session: Session, name: str) -> tuple[Announcement, datetime]:
    """Returns the announcement, which must exist, as nobody else may move it until the transaction ends, and the time."""
    statement = _FIND.add_columns(func.now().label("moment")).with_for_update()
    row = dict(session.execute(statement, {"of_name": name}).mappings().one())
    moment = row.pop("moment")
    return _announcement(row), moment


def add_announcement(session: Session, name: str, letter: LetterName, context: Mapping[str, str]) -> None:
    """Starts an announcement to all who are verified by now, unless somebody has just started one of that name."""
    everybody = _COUNT.where(_ACCOUNTS.c.verified_at <= func.now()).scalar_subquery()
    session.execute(
        insert(_ANNOUNCEMENTS)
        .values(name=name, letter=letter, context=dict(context), recipients=everybody)
        .on_conflict_do_nothing(index_elements=[_ANNOUNCEMENTS.c.name])
    )


def count_left(session: Session, announcement: Announcement | None) -> int:
    """Counts who is still to get a letter: everybody verified, or of an announcement that was begun, the rest."""
    if announcement is None:
        return session.scalar(_COUNT) or 0
    return session.scalar(_COUNT.where(*_is_left(announcement))) or 0


def next_addressees(session: Session, announcement: Announcement, *, limit: int) -> Sequence[Addressee]:
    """Returns whose letters come next, in the order of their accounts' ids."""
    rows = session.execute(
        select(
            _ACCOUNTS.c.id.label("account_id"),
            _ACCOUNTS.c.email,
            _ACCOUNTS.c.canonical_email,
            _ACCOUNTS.c.locale,
        )
        .where(*_is_left(announcement))
        .order_by(_ACCOUNTS.c.id)
        .limit(limit)
    )
    return [Addressee(**row) for row in rows.mappings()]


def hold_accounts(session: Session, accounts: Collection[UUID]) -> frozenset[UUID]:
    """Keeps these accounts from being deleted before the transaction ends; returns those that are still there."""
    return frozenset(session.scalars(_HOLD, {"accounts": list(accounts)}))


def move_announcement(
    session: Session, name: str, *, last_account_id: UUID | None, letters: int, finished: bool
) -> Announcement:
    """Records that everybody up to this account has a letter now, so many more than before; returns where it stands."""
    values: dict[str, Any] = {"letters": _ANNOUNCEMENTS.c.letters + letters}
    if last_account_id is not None:
        values["last_account_id"] = last_account_id
    if finished:
        values["finished_at"] = func.now()
    row = session.execute(
        update(_ANNOUNCEMENTS).where(_ANNOUNCEMENTS.c.name == name).values(values).returning(*_COLUMNS)
    )
    return _announcement(row.mappings().one())


def count_pending_bulk(session: Session, *, at_most: int) -> int:
    """Counts bulk letters in the outbox, but not beyond `at_most`."""
    return session.scalar(_PENDING, {"at_most": at_most}) or 0


def is_anything_open_since(session: Session, moment: datetime) -> bool:
    """Says whether a transaction of this service that began before the moment has not ended yet."""
    return bool(session.scalar(_OPEN_SINCE, {"moment": moment}))


def _is_left(announcement: Announcement) -> Sequence[ColumnElement[bool]]:
    verified = _ACCOUNTS.c.verified_at <= announcement.started_at
    last = announcement.last_account_id
    return [verified] if last is None else [verified, _ACCOUNTS.c.id > last]


def _announcement(row: RowMapping | Mapping[str, Any]) -> Announcement:
    return Announcement(**{**row, "letter": LetterName(row["letter"])})

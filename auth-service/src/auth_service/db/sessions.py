"""Sessions and their refresh tokens: used, listed and ended, each by one guarded statement; opened by `open_session.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import (
    Integer,
    Interval,
    RowMapping,
    Text,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.limit import source_named
from auth_service.domain.session import AccountSession, Lifetimes, Method, SessionEnd

_ACCOUNTS: Final = table_of(tables.Account)
SESSIONS: Final = table_of(tables.AccountSession)
TOKENS: Final = table_of(tables.RefreshToken)
COLUMNS: Final = tuple(SESSIONS.c[field.name] for field in fields(AccountSession))
_NOW: Final = func.now().label("moment")
_HAS_NOT_ENDED: Final = SESSIONS.c.ended_at.is_(None)
_IS_OPEN: Final = (_HAS_NOT_ENDED, SESSIONS.c.idle_until > func.now())

_IDLE = bindparam("idle", type_=Interval())
_ADD_TOKEN = insert(TOKENS)
_LOCK_BY_TOKEN = (
    select(*COLUMNS, _NOW)
    .where(
        SESSIONS.c.id
        == select(TOKENS.c.session_id).where(TOKENS.c.hash == bindparam("token")).scalar_subquery()
    )
    .with_for_update()
)
_USED_AT = select(TOKENS.c.used_at).where(TOKENS.c.hash == bindparam("token"))
_USE_TOKEN = (
    update(TOKENS)
    .where(TOKENS.c.hash == bindparam("token"), TOKENS.c.used_at.is_(None))
    .values(used_at=func.now())
)
_RENEW_TOKEN = (
    update(TOKENS)
    .where(TOKENS.c.hash == bindparam("token"), TOKENS.c.used_at.is_(None))
    .values(hash=bindparam("renewed"), created_at=func.now())
    .returning(TOKENS.c.session_id)
)
_TOUCH = (
    update(SESSIONS)
    .where(SESSIONS.c.id == bindparam("session"), *_IS_OPEN)
    .values(
        last_used_at=func.now(),
        idle_until=func.least(func.now() + _IDLE, SESSIONS.c.expires_at),
        source=bindparam("new_source"),
        network=bindparam("new_network"),
    )
    .returning(*COLUMNS)
)
_PROVE = (
    update(SESSIONS)
    .where(SESSIONS.c.id == bindparam("session"), *_IS_OPEN)
    .values(auth_time=func.now(), amr=bindparam("methods", type_=ARRAY(Text)))
    .returning(*COLUMNS)
)
_FIND_OPEN = select(*COLUMNS, _NOW).where(SESSIONS.c.id == bindparam("session"), *_IS_OPEN)
_LOCK_ACCOUNT = (
    select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.id == bindparam("account")).with_for_update(key_share=True)
)
_END = (
    update(SESSIONS)
    .where(SESSIONS.c.account_id == bindparam("account"), _HAS_NOT_ENDED)
    .values(ended_at=func.now(), ended_for=bindparam("reason"))
    .returning(SESSIONS.c.id)
)
_END_ONE = _END.where(SESSIONS.c.id == bindparam("session"))
_END_OTHERS = _END.where(SESSIONS.c.id != bindparam("session"))
_BEYOND = (
    select(SESSIONS.c.id)
    .where(SESSIONS.c.account_id == bindparam("account"), *_IS_OPEN)
    .order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.id.desc())
    .offset(bindparam("keep", type_=Integer()))
)
# Whoever signs in waits for nobody who is just using one of them.
_OLDEST = select(SESSIONS.c.id).where(SESSIONS.c.id.in_(_BEYOND)).with_for_update(skip_locked=True)
_END_OLDEST = _END.where(SESSIONS.c.id.in_(_OLDEST))
_BELONGS = select(SESSIONS.c.id).where(
    SESSIONS.c.id == bindparam("session"), SESSIONS.c.account_id == bindparam("account")
)
_LIST = (
    select(*COLUMNS)
    .where(SESSIONS.c.account_id == bindparam("account"), *_IS_OPEN)
    .order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.id.desc())
    .limit(bindparam("at_most"))
)
_LAST = select(SESSIONS.c.created_at, SESSIONS.c.id).where(
    SESSIONS.c.id == bindparam("last"), SESSIONS.c.account_id == bindparam("account")
)
_LIST_AFTER = _LIST.where(tuple_(SESSIONS.c.created_at, SESSIONS.c.id) < _LAST.scalar_subquery())


def add_refresh_token(session: Session, session_id: UUID, token_hash: bytes) -> None:
    """Adds a refresh token, not used yet, to a session."""
    session.execute(_ADD_TOKEN, {"hash": token_hash, "session_id": session_id})


def lock_session_of(session: Session, token_hash: bytes) -> tuple[AccountSession, datetime] | None:
    """Returns the session of a refresh token, open or not, and the time; others with a token of it wait until the transaction ends."""
    return _with_moment(session.execute(_LOCK_BY_TOKEN, {"token": token_hash}).mappings().one_or_none())


def used_at(session: Session, token_hash: bytes) -> datetime | None:
    """Returns when a refresh token was first used; its session is locked."""
    return cast("datetime | None", session.scalar(_USED_AT, {"token": token_hash}))


def use_refresh_token(session: Session, token_hash: bytes) -> None:
    """Writes down that a refresh token is used now, for the first time."""
    session.execute(_USE_TOKEN, {"token": token_hash})


def renew_refresh_token(session: Session, token_hash: bytes, *, renewed: bytes) -> bool:
    """Puts another refresh token in the place of one that was never used, which is unknown then; says whether it was there."""
    values = {"token": token_hash, "renewed": renewed}
    return session.scalar(_RENEW_TOKEN, values) is not None


def touch(session: Session, session_id: UUID, *, lifetimes: Lifetimes, source: str) -> AccountSession | None:
    """Writes down that a session is used now, from there; returns it if it is open."""
    values = {
        "session": session_id,
        "idle": lifetimes.idle,
        "new_source": source,
        "new_network": source_named(source),
    }
    row = session.execute(_TOUCH, values).mappings().one_or_none()
    return None if row is None else AccountSession(**row)


def prove_again(session: Session, session_id: UUID, *, amr: Sequence[Method]) -> AccountSession | None:
    """Writes down that the session's person proved now who they are; returns it if it is open."""
    values = {"session": session_id, "methods": [method.value for method in amr]}
    row = session.execute(_PROVE, values).mappings().one_or_none()
    return None if row is None else AccountSession(**row)


def find_open(session: Session, session_id: UUID) -> tuple[AccountSession, datetime] | None:
    """Returns a session if it is open, and the time."""
    return _with_moment(session.execute(_FIND_OPEN, {"session": session_id}).mappings().one_or_none())


def list_open(
    session: Session, account_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[AccountSession]:
    """Returns an account's open sessions, newest first, beginning after the one of that id."""
    values: dict[str, Any] = {"account": account_id, "at_most": limit}
    statement = _LIST
    if after is not None:
        statement, values = _LIST_AFTER, {**values, "last": after}
    return [AccountSession(**row) for row in session.execute(statement, values).mappings()]


def belongs(session: Session, account_id: UUID, session_id: UUID) -> bool:
    """Says whether a session, open or not, is this account's."""
    return session.scalar(_BELONGS, {"account": account_id, "session": session_id}) is not None


def end_session(session: Session, account_id: UUID, session_id: UUID, reason: SessionEnd) -> bool:
    """Ends one session of an account; says whether it had not ended before."""
    values = {"account": account_id, "session": session_id, "reason": reason.value}
    return session.execute(_END_ONE, values).first() is not None


def end_sessions(session: Session, account_id: UUID, reason: SessionEnd, *, but: UUID | None) -> int:
    """Ends all sessions of an account, but perhaps one; returns how many. None is opened meanwhile for what was true before."""
    session.execute(_LOCK_ACCOUNT, {"account": account_id})
    values: dict[str, Any] = {"account": account_id, "reason": reason.value}
    if but is None:
        return len(session.execute(_END, values).all())
    return len(session.execute(_END_OTHERS, {**values, "session": but}).all())


def end_oldest(session: Session, account_id: UUID, *, keep: int) -> int:
    """Ends an account's oldest open sessions but so many, and those somebody is just using; returns how many."""
    values = {"account": account_id, "keep": keep, "reason": SessionEnd.OUTNUMBERED.value}
    return len(session.execute(_END_OLDEST, values).all())


def _with_moment(row: RowMapping | None) -> tuple[AccountSession, datetime] | None:
    if row is None:
        return None
    values = dict(row)
    moment = values.pop("moment")
    return AccountSession(**values), moment

"""Sessions and their refresh tokens: opened, used, listed and ended, each by one guarded statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID, uuid4

from sqlalchemy import (
    DateTime,
    Interval,
    RowMapping,
    Text,
    bindparam,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from auth_service.domain.session import AccountSession, Client, Lifetimes, Method, SessionEnd
from auth_service.store import tables
from auth_service.store.base import table_of

_ACCOUNTS: Final = table_of(tables.Account)
_SESSIONS: Final = table_of(tables.AccountSession)
_TOKENS: Final = table_of(tables.RefreshToken)
_COLUMNS: Final = tuple(_SESSIONS.c[field.name] for field in fields(AccountSession))
_NOW: Final = func.now().label("moment")
_HAS_NOT_ENDED: Final = _SESSIONS.c.ended_at.is_(None)
_IS_OPEN: Final = (_HAS_NOT_ENDED, _SESSIONS.c.idle_until > func.now())

_IDLE = bindparam("idle", type_=Interval())
_ABSOLUTE = bindparam("absolute", type_=Interval())
_PASSWORD = bindparam("password_hash", type_=Text())
# The account's row is locked: whoever disables it, changes its password or signs everybody out changes that row, so either
# the session is there for them to end, or it is not opened.
_MAY_SIGN_IN = (
    select(
        bindparam("session", type_=_SESSIONS.c.id.type),
        _ACCOUNTS.c.id,
        bindparam("client_id", type_=Text()),
        bindparam("amr", type_=ARRAY(Text)),
        func.coalesce(bindparam("auth_time", type_=DateTime(timezone=True)), func.now()),
        bindparam("device", type_=Text()),
        bindparam("source", type_=Text()),
        func.now() + func.least(_IDLE, _ABSOLUTE),
        func.now() + _ABSOLUTE,
    )
    .where(
        _ACCOUNTS.c.id == bindparam("account"),
        _ACCOUNTS.c.disabled_at.is_(None),
        or_(_PASSWORD.is_(None), _ACCOUNTS.c.password_hash == _PASSWORD),
    )
    .with_for_update(read=True)
)
_OPEN = (
    insert(_SESSIONS)
    .from_select(
        (
            "id",
            "account_id",
            "client_id",
            "amr",
            "auth_time",
            "device",
            "source",
            "idle_until",
            "expires_at",
        ),
        _MAY_SIGN_IN,
    )
    .returning(*_COLUMNS)
)
_ADD_TOKEN = insert(_TOKENS)
_LOCK_BY_TOKEN = (
    select(*_COLUMNS, _NOW)
    .where(
        _SESSIONS.c.id
        == select(_TOKENS.c.session_id).where(_TOKENS.c.hash == bindparam("token")).scalar_subquery()
    )
    .with_for_update()
)
_USED_AT = select(_TOKENS.c.used_at).where(_TOKENS.c.hash == bindparam("token"))
_USE_TOKEN = (
    update(_TOKENS)
    .where(_TOKENS.c.hash == bindparam("token"), _TOKENS.c.used_at.is_(None))
    .values(used_at=func.now())
)
_TOUCH = (
    update(_SESSIONS)
    .where(_SESSIONS.c.id == bindparam("session"))
    .values(
        last_used_at=func.now(),
        idle_until=func.least(func.now() + _IDLE, _SESSIONS.c.expires_at),
        source=bindparam("new_source"),
    )
    .returning(*_COLUMNS)
)
_PROVE = (
    update(_SESSIONS)
    .where(_SESSIONS.c.id == bindparam("session"), *_IS_OPEN)
    .values(auth_time=func.now(), amr=bindparam("methods", type_=ARRAY(Text)))
    .returning(*_COLUMNS)
)
_FIND_OPEN = select(*_COLUMNS, _NOW).where(_SESSIONS.c.id == bindparam("session"), *_IS_OPEN)
_LOCK_ACCOUNT = (
    select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.id == bindparam("account")).with_for_update(key_share=True)
)
_END = (
    update(_SESSIONS)
    .where(_SESSIONS.c.account_id == bindparam("account"), _HAS_NOT_ENDED)
    .values(ended_at=func.now(), ended_for=bindparam("reason"))
    .returning(_SESSIONS.c.id)
)
_END_ONE = _END.where(_SESSIONS.c.id == bindparam("session"))
_END_OTHERS = _END.where(_SESSIONS.c.id != bindparam("session"))
_KNOWS_DEVICE = select(func.bool_or(_SESSIONS.c.device == bindparam("device", type_=Text()))).where(
    _SESSIONS.c.account_id == bindparam("account"), _SESSIONS.c.id != bindparam("session")
)
_BELONGS = select(_SESSIONS.c.id).where(
    _SESSIONS.c.id == bindparam("session"), _SESSIONS.c.account_id == bindparam("account")
)
_LIST = (
    select(*_COLUMNS)
    .where(_SESSIONS.c.account_id == bindparam("account"), *_IS_OPEN)
    .order_by(_SESSIONS.c.created_at.desc(), _SESSIONS.c.id.desc())
    .limit(bindparam("at_most"))
)
_LAST = select(_SESSIONS.c.created_at, _SESSIONS.c.id).where(
    _SESSIONS.c.id == bindparam("last"), _SESSIONS.c.account_id == bindparam("account")
)
_LIST_AFTER = _LIST.where(tuple_(_SESSIONS.c.created_at, _SESSIONS.c.id) < _LAST.scalar_subquery())


def open_session(
    session: Session,
    account_id: UUID,
    *,
    amr: Sequence[Method],
    client: Client,
    lifetimes: Lifetimes,
    auth_time: datetime | None,
    password_hash: str | None,
) -> AccountSession | None:
    """Adds a session to an account that is there, is not disabled, and has this password still if one is named."""
    values = {
        "session": uuid4(),
        "account": account_id,
        "client_id": client.client_id,
        "amr": [method.value for method in amr],
        "auth_time": auth_time,
        "device": client.device,
        "source": client.source,
        "idle": lifetimes.idle,
        "absolute": lifetimes.absolute,
        "password_hash": password_hash,
    }
    row = session.execute(_OPEN, values).mappings().one_or_none()
    return None if row is None else AccountSession(**row)


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


def touch(session: Session, session_id: UUID, *, lifetimes: Lifetimes, source: str) -> AccountSession:
    """Writes down that a session is used now, from there; returns it."""
    values = {"session": session_id, "idle": lifetimes.idle, "new_source": source}
    return AccountSession(**session.execute(_TOUCH, values).mappings().one())


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


def is_new_device(session: Session, opened: AccountSession) -> bool:
    """Says whether the account has other sessions, open or not, and none of them from such a device."""
    values = {"account": opened.account_id, "session": opened.id, "device": opened.device}
    return session.scalar(_KNOWS_DEVICE, values) is False


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


def _with_moment(row: RowMapping | None) -> tuple[AccountSession, datetime] | None:
    if row is None:
        return None
    values = dict(row)
    moment = values.pop("moment")
    return AccountSession(**values), moment

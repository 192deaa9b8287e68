"""Authorization codes: added, looked at, and used up by one guarded statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Interval, RowMapping, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.db.sessions import COLUMNS, SESSIONS
from auth_service.domain.session import AccountSession

_CODES: Final = table_of(tables.AuthorizationCode)
_IS_IT: Final = _CODES.c.hash == bindparam("code")
_ADD = insert(_CODES).values(expires_at=func.now() + bindparam("lifetime", type_=Interval()))
_FIND = (
    select(_CODES.c.client_id, _CODES.c.redirect_uri, _CODES.c.challenge, SESSIONS.c.account_id)
    .join(SESSIONS, SESSIONS.c.id == _CODES.c.session_id)
    .where(_IS_IT)
)
# Whoever signs the browser out, or changes the password, makes its codes good for nothing.
_USE = (
    update(_CODES)
    .where(
        _IS_IT,
        _CODES.c.used_at.is_(None),
        _CODES.c.expires_at > func.now(),
        SESSIONS.c.id == _CODES.c.session_id,
        SESSIONS.c.ended_at.is_(None),
        SESSIONS.c.idle_until > func.now(),
    )
    .values(used_at=func.now())
    .returning(*COLUMNS)
)
_OPENED = update(_CODES).where(_IS_IT).values(opened_id=bindparam("opened"))
_FIND_OPENED = select(*COLUMNS).join(_CODES, _CODES.c.opened_id == SESSIONS.c.id).where(_IS_IT)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """What a code was issued for; nothing of it changes.

    Attributes:
        hash: of the code.
        account_id: whose.
        client_id: of the application.
        redirect_uri: where it was sent.
        challenge: of PKCE, S256.
    """

    hash: bytes
    account_id: UUID
    client_id: str
    redirect_uri: str
    challenge: str


def add_code(session: Session, code: IssuedCode, *, session_id: UUID, lifetime: timedelta) -> None:
    """Adds a code of a browser's session."""
    session.execute(
        _ADD,
        {
            "hash": code.hash,
            "session_id": session_id,
            "client_id": code.client_id,
            "redirect_uri": code.redirect_uri,
            "challenge": code.challenge,
            "lifetime": lifetime,
        },
    )


def find_code(session: Session, code_hash: bytes) -> IssuedCode | None:
    """Returns what a code was issued for, whether or not it is still good."""
    row = session.execute(_FIND, {"code": code_hash}).mappings().one_or_none()
    return None if row is None else IssuedCode(hash=code_hash, **row)


def use_code(session: Session, code_hash: bytes) -> AccountSession | None:
    """Uses a code up; returns the browser's session if it was good."""
    return _session(session.execute(_USE, {"code": code_hash}).mappings().one_or_none())


def set_opened(session: Session, code_hash: bytes, opened_id: UUID) -> None:
    """Writes down which session a code gave."""
    session.execute(_OPENED, {"code": code_hash, "opened": opened_id})


def find_opened(session: Session, code_hash: bytes) -> AccountSession | None:
    """Returns the session that a code gave, open or not."""
    return _session(session.execute(_FIND_OPENED, {"code": code_hash}).mappings().one_or_none())


def _session(row: RowMapping | None) -> AccountSession | None:
    return None if row is None else AccountSession(**row)

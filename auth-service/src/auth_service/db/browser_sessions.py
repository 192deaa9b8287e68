"""Sessions of browsers: found by a refresh token that nobody ever used up."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.db.sessions import find_open
from auth_service.domain.session import AccountSession

_TOKENS: Final = table_of(tables.RefreshToken)
_SESSION_OF_UNUSED: Final = select(_TOKENS.c.session_id).where(
    _TOKENS.c.hash == bindparam("token"), _TOKENS.c.used_at.is_(None)
)


def find_open_by_token(session: Session, token_hash: bytes) -> tuple[AccountSession, datetime] | None:
    """Returns the session of a refresh token that was never used, if it is open, and the time."""
    session_id = session.scalar(_SESSION_OF_UNUSED, {"token": token_hash})
    return None if session_id is None else find_open(session, session_id)

"""Opening a session, by one statement: whoever signs in waits for each, and it must be true while it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Boolean, DateTime, Interval, Text, bindparam, func, insert, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.db.sessions import COLUMNS, SESSIONS, TOKENS
from auth_service.domain.limit import source_named
from auth_service.domain.session import AccountSession, Client, Lifetimes, Method

_ACCOUNTS: Final = table_of(tables.Account)
_IDLE = bindparam("idle", type_=Interval())
_ABSOLUTE = bindparam("absolute", type_=Interval())
_PASSWORD = bindparam("password_hash", type_=Text())
# The account's row is locked: whoever disables it, changes its password or signs everybody out locks that row, so either
# the session is there for them to end, or it is not opened. By one at a time: sharing it, one sign-in after the other could
# keep them waiting for ever.
_MAY_SIGN_IN = (
    select(
        bindparam("session", type_=SESSIONS.c.id.type),
        _ACCOUNTS.c.id,
        bindparam("client_id", type_=Text()),
        bindparam("amr", type_=ARRAY(Text)),
        func.coalesce(bindparam("auth_time", type_=DateTime(timezone=True)), func.now()),
        bindparam("device", type_=Text()),
        bindparam("source", type_=Text()),
        bindparam("network", type_=Text()),
        func.now() + func.least(_IDLE, _ABSOLUTE),
        func.now() + _ABSOLUTE,
        bindparam("delegated", type_=Boolean()),
    )
    .where(
        _ACCOUNTS.c.id == bindparam("account"),
        _ACCOUNTS.c.disabled_at.is_(None),
        or_(_PASSWORD.is_(None), _ACCOUNTS.c.password_hash == _PASSWORD),
    )
    .with_for_update(key_share=True)
)
_OPENED = (
    insert(SESSIONS)
    .from_select(
        (
            "id",
            "account_id",
            "client_id",
            "amr",
            "auth_time",
            "device",
            "source",
            "network",
            "idle_until",
            "expires_at",
            "delegated",
        ),
        _MAY_SIGN_IN,
    )
    .returning(*COLUMNS)
    .cte("opened")
)
_FIRST_TOKEN = (
    insert(TOKENS)
    .from_select(("hash", "session_id"), select(bindparam("token", type_=TOKENS.c.hash.type), _OPENED.c.id))
    .cte("first_token")
)
# Sees the sessions there were before this statement. A device that says nothing of itself is the same in its network only:
# else whoever sends no User-Agent would come in unseen, or every sign-in of a program that sends none would cause an email.
_KNOWS_DEVICE = (
    select(
        func.bool_or(
            (SESSIONS.c.device == _OPENED.c.device)
            & ((SESSIONS.c.device != "") | (SESSIONS.c.network == bindparam("network", type_=Text())))
        )
    )
    .where(SESSIONS.c.account_id == _OPENED.c.account_id)
    .scalar_subquery()
)
_OPEN = select(_OPENED, _KNOWS_DEVICE.label("knows_device")).add_cte(_FIRST_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session that was just opened.

    Attributes:
        session: as it is.
        on_new_device: whether the account has had sessions, open or not, and none of them on such a device.
    """

    session: AccountSession
    on_new_device: bool


def open_session(
    session: Session,
    account_id: UUID,
    *,
    amr: Sequence[Method],
    client: Client,
    lifetimes: Lifetimes,
    auth_time: datetime | None,
    password_hash: str | None,
    token_hash: bytes,
    delegated: bool,
) -> Opened | None:
    """Adds a session and its refresh token to an account that is there, is not disabled, and has this password if one is named."""
    values = {
        "session": uuid4(),
        "account": account_id,
        "client_id": client.client_id,
        "amr": [method.value for method in amr],
        "auth_time": auth_time,
        "device": client.device,
        "source": client.source,
        "network": source_named(client.source),
        "idle": lifetimes.idle,
        "absolute": lifetimes.absolute,
        "password_hash": password_hash,
        "token": token_hash,
        "delegated": delegated,
    }
    row = session.execute(_OPEN, values).mappings().one_or_none()
    if row is None:
        return None
    columns = dict(row)
    knows_device = columns.pop("knows_device")
    return Opened(session=AccountSession(**columns), on_new_device=knows_device is False)

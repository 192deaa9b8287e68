"""One-time tokens: each is used once, by one guarded UPDATE, whatever happens at the same time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    RowMapping,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from auth_service.db.base import DECOY, table_of
from auth_service.db.registrations import COLUMNS, REGISTRATIONS, read_registration
from auth_service.db.tables import OneTimeToken
from auth_service.domain.one_time_token import LIFETIMES, MAX_CODE_TRIES, Purpose
from auth_service.domain.registration import REPEAT_WINDOW, Registration

TOKENS: Final = table_of(OneTimeToken)
IS_OPEN: Final = (TOKENS.c.used_at.is_(None), TOKENS.c.voided_at.is_(None))
IS_GOOD: Final = (*IS_OPEN, TOKENS.c.expires_at > func.now())

_ADD = insert(TOKENS)
_VOID = (
    update(TOKENS)
    .where(TOKENS.c.registration_id == bindparam("registration"), *IS_OPEN)
    .values(voided_at=func.now())
)
STATE_COLUMNS = (
    TOKENS.c.id.label("token_id"),
    TOKENS.c.code_hash,
    TOKENS.c.code_tries,
    TOKENS.c.used_at,
    TOKENS.c.voided_at,
    (TOKENS.c.expires_at <= func.now()).label("expired"),
    func.coalesce(TOKENS.c.used_at > func.now() - REPEAT_WINDOW, False).label("repeatable"),
)
_WITH_REGISTRATION = select(*STATE_COLUMNS, *COLUMNS).join(
    REGISTRATIONS, REGISTRATIONS.c.id == TOKENS.c.registration_id
)
_FIND_BY_LINK = _WITH_REGISTRATION.where(
    TOKENS.c.link_hash == bindparam("hash"), TOKENS.c.purpose == bindparam("for_purpose")
)
# All of them, or a stranger who asks for newer ones would make hers a wrong one. The mailbox's limit bounds how many there are:
# what is limited has no open code.
_OF_ADDRESS = _WITH_REGISTRATION.where(
    REGISTRATIONS.c.canonical_email == bindparam("canonical"),
    TOKENS.c.purpose == bindparam("for_purpose"),
    or_(
        and_(*IS_GOOD, REGISTRATIONS.c.ended_at.is_(None)),
        TOKENS.c.used_at > func.now() - REPEAT_WINDOW,
    ),
).order_by(TOKENS.c.created_at.desc())
_USE = (
    update(TOKENS)
    .where(TOKENS.c.id == bindparam("token"), *IS_GOOD)
    .values(used_at=func.now())
    .returning(TOKENS.c.used_at)
)
_TRIED = (
    update(TOKENS)
    .where(
        TOKENS.c.id.in_(bindparam("tokens", expanding=True)),
        TOKENS.c.code_tries < MAX_CODE_TRIES,
        *IS_OPEN,
    )
    .values(code_tries=TOKENS.c.code_tries + 1)
    .returning(TOKENS.c.id)
    .cte("tried")
)
# Something is always written, whether there was a try to count or not.
_COUNT_TRY = select(case((~exists(select(_TRIED.c.id)), DECOY))).add_cte(_TRIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHashes:
    """What is kept of a letter's link and code."""

    token_id: UUID
    link: bytes
    code: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOwner:
    """What a token is of: a registration, an account, or a change of an account's address; of a decoy nothing.

    A reset and a sign-in are good only while the account has the mailbox of that tag.
    """

    registration_id: UUID | None = None
    account_id: UUID | None = None
    email_change_id: UUID | None = None
    recipient_tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """A token as it is now.

    Attributes:
        id: of the token; keys the hash of its code.
        code_hash: of its code.
        code_tries: wrong codes so far.
        used_at, voided_at: its end, if it has one.
        expired: whether its time is over.
        repeatable: whether it was used so short a time ago that the same request is answered the same.
    """

    id: UUID
    code_hash: bytes
    code_tries: int
    used_at: datetime | None
    voided_at: datetime | None
    expired: bool
    repeatable: bool

    @property
    def takes_codes(self) -> bool:
        """Whether its code has not been guessed at too often."""
        return self.code_tries < MAX_CODE_TRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(TokenState):
    """A token and the registration it confirms."""

    registration: Registration


def add_token(
    session: Session,
    owner: TokenOwner,
    purpose: Purpose,
    hashes: TokenHashes,
    *,
    void: bool,
    now: datetime,
) -> None:
    """Adds a token, void from birth if nobody is to be told its secrets."""
    session.execute(
        _ADD,
        {
            "id": hashes.token_id,
            "registration_id": owner.registration_id,
            "account_id": owner.account_id,
            "email_change_id": owner.email_change_id,
            "recipient_tag": owner.recipient_tag,
            "purpose": purpose,
            "link_hash": hashes.link,
            "code_hash": hashes.code,
            "created_at": now,
            "expires_at": now + LIFETIMES[purpose],
            "voided_at": now if void else None,
        },
    )


def void_tokens(session: Session, registration_id: UUID | None) -> None:
    """Voids the open tokens of a registration, and of no other."""
    session.execute(_VOID, {"registration": registration_id})


def find_by_link(session: Session, link_hash: bytes, purpose: Purpose) -> Token | None:
    """Returns the token of a link, whatever became of it, if it is remembered."""
    row = session.execute(_FIND_BY_LINK, {"hash": link_hash, "for_purpose": purpose}).mappings().one_or_none()
    return None if row is None else _token(row)


def find_by_address(session: Session, canonical_email: str, purpose: Purpose) -> Sequence[Token]:
    """Returns the tokens whose code may be meant, the newest first: open ones, and those used a moment ago.

    Args:
        session: has locked the mailbox.
        canonical_email: the address that came with the code.
        purpose: what it is to prove.
    """
    rows = session.execute(_OF_ADDRESS, {"canonical": canonical_email, "for_purpose": purpose})
    return [_token(row) for row in rows.mappings()]


def use_token(session: Session, token: TokenState) -> bool:
    """Uses up the token if it is good; says whether it was."""
    return session.scalar(_USE, {"token": token.id}) is not None


def count_try(session: Session, tokens: Collection[TokenState]) -> None:
    """Counts a wrong code on each of these; where there is none, writes as much."""
    session.execute(_COUNT_TRY, {"tokens": [token.id for token in tokens]})


def read_state(row: RowMapping) -> dict[str, Any]:
    """Returns the values of a `TokenState` in a row that has `STATE_COLUMNS`."""
    return {
        "id": row["token_id"],
        "code_hash": row["code_hash"],
        "code_tries": row["code_tries"],
        "used_at": row["used_at"],
        "voided_at": row["voided_at"],
        "expired": row["expired"],
        "repeatable": row["repeatable"],
    }


def _token(row: RowMapping) -> Token:
    return Token(**read_state(row), registration=read_registration(row))

"""One-time tokens: each is used once, by one guarded UPDATE, whatever happens at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Interval, Text, bindparam, case, exists, func, insert, select, true, update
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.one_time_token import LIFETIMES, MAX_CODE_TRIES, Purpose
from auth_service.errors import ExpiredLink, ReplacedLink, RequestError, UsedLink
from auth_service.store.tables import OneTimeToken, table_of

_TOKENS = table_of(OneTimeToken)
_IS_OPEN = (_TOKENS.c.used_at.is_(None), _TOKENS.c.voided_at.is_(None))
_IS_GOOD = (*_IS_OPEN, _TOKENS.c.expires_at > func.now())
# Bound to account, exact address and generation: a token outlives none of them.
_IS_OF_ACCOUNT = (
    _TOKENS.c.account_id == bindparam("account"),
    _TOKENS.c.address == bindparam("of_address"),
    _TOKENS.c.generation == bindparam("of_generation"),
    _TOKENS.c.purpose == bindparam("for_purpose"),
)

_VOID_OPEN = (
    update(_TOKENS)
    .where(
        _TOKENS.c.account_id == bindparam("account"),
        _TOKENS.c.purpose == bindparam("for_purpose"),
        *_IS_OPEN,
    )
    .values(voided_at=func.now())
)
_ADD = insert(_TOKENS).values(
    {
        name: bindparam(name)
        for name in ("id", "account_id", "purpose", "address", "generation", "link_hash", "code_hash")
    }
    | {"expires_at": func.now() + bindparam("lifetime", type_=Interval())}
)
_ADD_DECOY = _ADD.values(voided_at=func.now())
_USE_LINK = (
    update(_TOKENS)
    .where(_TOKENS.c.link_hash == bindparam("hash"), *_IS_OF_ACCOUNT, *_IS_GOOD)
    .values(used_at=func.now())
    .returning(_TOKENS.c.id)
)
_FIND_OPEN = select(_TOKENS.c.id).where(
    _TOKENS.c.account_id == bindparam("account"),
    _TOKENS.c.purpose == bindparam("for_purpose"),
    *_IS_OPEN,
)
_USE_CODE = (
    update(_TOKENS)
    .where(
        _TOKENS.c.id == bindparam("token"),
        _TOKENS.c.code_hash == bindparam("hash"),
        _TOKENS.c.code_tries < MAX_CODE_TRIES,
        *_IS_OF_ACCOUNT,
        *_IS_GOOD,
    )
    .values(used_at=func.now())
    .returning(_TOKENS.c.id)
)
_TRIED = (
    update(_TOKENS)
    .where(_TOKENS.c.id == bindparam("token"), _TOKENS.c.code_tries < MAX_CODE_TRIES)
    .values(code_tries=_TOKENS.c.code_tries + 1)
    .returning(_TOKENS.c.id)
    .cte("tried")
)
# A transaction that wrote nothing commits without waiting for the disk, and a stranger could tell by the time it takes
# that there was no try to count. So something is always written.
_COUNT_TRY = select(
    case((~exists(select(_TRIED.c.id)), func.pg_logical_emit_message(true(), "decoy", "", type_=Text())))
).add_cte(_TRIED)
_FATE = select(_TOKENS.c.used_at.is_not(None), _TOKENS.c.voided_at.is_not(None)).where(
    _TOKENS.c.link_hash == bindparam("hash")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHashes:
    """What is kept of a letter's link and code."""

    token_id: UUID
    link: bytes
    code: bytes


def replace_token(session: Session, account: Account | None, purpose: Purpose, hashes: TokenHashes) -> None:
    """Voids the open token of this purpose and adds a new one; without an account, a decoy that is void from birth.

    The account's row is locked by the caller: only so there is never a moment with two open tokens.
    """
    account_id = None if account is None else account.id
    session.execute(_VOID_OPEN, {"account": account_id, "for_purpose": purpose})
    session.execute(
        _ADD_DECOY if account is None else _ADD,
        {
            "id": hashes.token_id,
            "account_id": account_id,
            "purpose": purpose,
            "address": "" if account is None else account.canonical_email,
            "generation": 1 if account is None else account.generation,
            "link_hash": hashes.link,
            "code_hash": hashes.code,
            "lifetime": LIFETIMES[purpose],
        },
    )


def use_link(session: Session, account: Account, purpose: Purpose, link_hash: bytes) -> bool:
    """Uses up the link if it is good; says whether it was."""
    return session.scalar(_USE_LINK, {"hash": link_hash, **_of(account, purpose)}) is not None


def fate_of_link(session: Session, link_hash: bytes) -> type[RequestError]:
    """Says why a link that exists is not good any more."""
    used, voided = session.execute(_FATE, {"hash": link_hash}).one()
    if used:
        return UsedLink
    return ReplacedLink if voided else ExpiredLink


def find_open_token(session: Session, account: Account | None, purpose: Purpose) -> UUID:
    """Returns the token a code would belong to; one that does not exist where there is none, so that the rest costs the same."""
    account_id = None if account is None else account.id
    return session.scalar(_FIND_OPEN, {"account": account_id, "for_purpose": purpose}) or uuid4()


def use_code(
    session: Session, account: Account | None, purpose: Purpose, *, token_id: UUID, code_hash: bytes
) -> bool:
    """Uses up the token if the code is right and it is good; says whether. If not, a try is counted."""
    used = session.scalar(_USE_CODE, {"token": token_id, "hash": code_hash, **_of(account, purpose)})
    if used is None:
        session.execute(_COUNT_TRY, {"token": token_id})
    return used is not None


def _of(account: Account | None, purpose: Purpose) -> dict[str, object]:
    return {
        "account": None if account is None else account.id,
        "of_address": "" if account is None else account.canonical_email,
        "of_generation": 0 if account is None else account.generation,
        "for_purpose": purpose,
    }

"""One-time tokens: each is used once, by one guarded UPDATE, whatever happens at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CTE, Interval, Text, bindparam, case, exists, func, insert, select, true, update
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.one_time_token import LIFETIMES, MAX_CODE_TRIES, Purpose
from auth_service.errors import ExpiredLink, ReplacedLink, RequestError, UsedLink
from auth_service.store.base import constant, table_of
from auth_service.store.rider import Rider
from auth_service.store.tables import OneTimeToken

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

_VOIDED = (
    update(_TOKENS)
    .where(
        _TOKENS.c.account_id == bindparam("account"),
        _TOKENS.c.purpose == bindparam("for_purpose"),
        *_IS_OPEN,
    )
    .values(voided_at=func.now())
    .returning(_TOKENS.c.id)
    .cte("voided")
)
_NEW_TOKEN = {
    name: bindparam(f"token_{name}", type_=_TOKENS.c[name].type)
    for name in ("id", "account_id", "purpose", "address", "generation", "link_hash", "code_hash")
}


def _replacement(**more: Any) -> CTE:
    columns = {
        **_NEW_TOKEN,
        "expires_at": func.now() + bindparam("token_lifetime", type_=Interval()),
        **more,
    }
    # Counting the voided makes PostgreSQL void them first: one open token an account is all its index allows.
    after = select(func.count().label("number")).select_from(_VOIDED).subquery("after")
    row = select(*(value.label(name) for name, value in columns.items())).where(after.c.number >= constant(0))
    return insert(_TOKENS).from_select(list(columns), row).inline().returning(_TOKENS.c.id).cte("token")


_REPLACE = _replacement()
_REPLACE_DECOY = _replacement(voided_at=func.now())
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


def replace_token(account: Account | None, purpose: Purpose, hashes: TokenHashes) -> Rider:
    """Returns the write that voids the open token of this purpose and adds another; without an account a decoy, void from birth.

    The account's row is locked by the caller: only so there is never a moment with two open tokens.
    """
    return Rider(
        write=_REPLACE_DECOY if account is None else _REPLACE,
        values={
            "account": _id_of(account),
            "for_purpose": purpose,
            "token_id": hashes.token_id,
            "token_account_id": _id_of(account),
            "token_purpose": purpose,
            "token_address": "" if account is None else account.canonical_email,
            "token_generation": 1 if account is None else account.generation,
            "token_link_hash": hashes.link,
            "token_code_hash": hashes.code,
            "token_lifetime": LIFETIMES[purpose],
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
    return session.scalar(_FIND_OPEN, {"account": _id_of(account), "for_purpose": purpose}) or uuid4()


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
        "account": _id_of(account),
        "of_address": "" if account is None else account.canonical_email,
        "of_generation": 0 if account is None else account.generation,
        "for_purpose": purpose,
    }


def _id_of(account: Account | None) -> UUID | None:
    return None if account is None else account.id

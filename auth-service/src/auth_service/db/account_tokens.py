"""One-time tokens of accounts: a reset, a sign-in, a new address, the way back to the old one. Used as `db/tokens.py` says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Final
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, func, select, update
from sqlalchemy.orm import Session

from auth_service.db.account_changes import ACCOUNTS, COLUMNS
from auth_service.db.tokens import IS_GOOD, IS_OPEN, STATE_COLUMNS, TOKENS, TokenState, read_state
from auth_service.domain.account import Account
from auth_service.domain.one_time_token import Purpose

_WITH_ACCOUNT = (
    select(*STATE_COLUMNS, TOKENS.c.email_change_id, TOKENS.c.recipient_tag, *COLUMNS)
    .join(ACCOUNTS, ACCOUNTS.c.id == TOKENS.c.account_id)
    .where(TOKENS.c.purpose == bindparam("for_purpose"), ACCOUNTS.c.disabled_at.is_(None))
)
_FIND_BY_LINK = _WITH_ACCOUNT.where(TOKENS.c.link_hash == bindparam("hash"))
# All of them, or a stranger who asks for newer ones would make hers a wrong one. The mailbox's limit bounds how many there are.
_OF_ADDRESS = _WITH_ACCOUNT.where(ACCOUNTS.c.canonical_email == bindparam("canonical"), *IS_GOOD)
_VOID = (
    update(TOKENS)
    .where(
        TOKENS.c.account_id == bindparam("account"),
        TOKENS.c.purpose.in_(bindparam("purposes", expanding=True)),
        *IS_OPEN,
    )
    .values(voided_at=func.now())
)
_VOID_LATER_WAYS_BACK = (
    update(TOKENS)
    .where(
        TOKENS.c.account_id == bindparam("account"),
        TOKENS.c.purpose == Purpose.REVERT_EMAIL.value,
        TOKENS.c.created_at
        > select(TOKENS.c.created_at).where(TOKENS.c.id == bindparam("token")).scalar_subquery(),
        *IS_OPEN,
    )
    .values(voided_at=func.now())
)

LEADING_IN: Final = (Purpose.RESET_PASSWORD, Purpose.SIGN_IN, Purpose.CONFIRM_EMAIL)
"""What gives power over an account; void as soon as its password or its address is another. The way back is not among them:
whoever took an account over could void it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountToken(TokenState):
    """A token, the account it is of, the change of address, if it is of one, and else the tag of the mailbox it was sent to."""

    account: Account
    email_change_id: UUID | None
    recipient_tag: str | None

    def is_for(self, recipient_tag: str) -> bool:
        """Says whether it was sent to this mailbox, as far as that was written down."""
        return self.recipient_tag in {None, recipient_tag}


def find_account_token(session: Session, link_hash: bytes, purpose: Purpose) -> AccountToken | None:
    """Returns the token of a link, whatever became of it; none of an account that is disabled."""
    row = session.execute(_FIND_BY_LINK, {"hash": link_hash, "for_purpose": purpose}).mappings().one_or_none()
    return None if row is None else _token(row)


def find_account_tokens(session: Session, canonical_email: str, purpose: Purpose) -> Sequence[AccountToken]:
    """Returns every token a code of this address may be meant for."""
    rows = session.execute(_OF_ADDRESS, {"canonical": canonical_email, "for_purpose": purpose})
    return [_token(row) for row in rows.mappings()]


def void_account_tokens(
    session: Session, account_id: UUID, purposes: Collection[Purpose] = LEADING_IN
) -> None:
    """Voids the open tokens of an account that are for one of these."""
    session.execute(_VOID, {"account": account_id, "purposes": list(purposes)})


def void_later_ways_back(session: Session, token: AccountToken) -> None:
    """Voids ways back to addresses the account had after the one this token leads back to."""
    session.execute(_VOID_LATER_WAYS_BACK, {"account": token.account.id, "token": token.id})


def _token(row: RowMapping) -> AccountToken:
    return AccountToken(
        **read_state(row),
        account=Account(**{field.name: row[field.name] for field in fields(Account)}),
        email_change_id=row["email_change_id"],
        recipient_tag=row["recipient_tag"],
    )

"""Changes of an account's address: asked for, confirmed in the new mailbox, taken back from the old one. The account is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from auth_service.db.account_tables import EmailChange as EmailChangeRow
from auth_service.db.base import table_of
from auth_service.domain.address import Address
from auth_service.domain.one_time_token import LIFETIMES, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChange:
    """A change of address.

    Attributes:
        id: of the change.
        account_id: whose.
        email, canonical_email: the new address, as typed and in its unique form.
        recipient_tag: of the new mailbox.
        old_email, old_canonical_email: the address before, likewise.
        created_at: when it was asked for.
        confirmed_at, reverted_at, ended_at: what became of it; pending while all are None.
    """

    id: UUID
    account_id: UUID
    email: str
    canonical_email: str
    recipient_tag: str
    old_email: str
    old_canonical_email: str
    created_at: datetime
    confirmed_at: datetime | None
    reverted_at: datetime | None
    ended_at: datetime | None

    @property
    def new(self) -> Address:
        """The new address."""
        return Address(typed=self.email, canonical=self.canonical_email)

    @property
    def old(self) -> Address:
        """The address before."""
        return Address(typed=self.old_email, canonical=self.old_canonical_email)


_CHANGES = table_of(EmailChangeRow)
_COLUMNS = tuple(_CHANGES.c[field.name] for field in fields(EmailChange))
_IS_PENDING = (_CHANGES.c.confirmed_at.is_(None), _CHANGES.c.ended_at.is_(None))

_ADD = insert(_CHANGES)
_FIND = select(*_COLUMNS).where(_CHANGES.c.id == bindparam("change"))
# As long as its link is good: afterwards nobody can confirm it, and nothing ends it but the next wish.
_FIND_PENDING = select(*_COLUMNS).where(
    _CHANGES.c.account_id == bindparam("account"),
    *_IS_PENDING,
    _CHANGES.c.created_at > func.now() - LIFETIMES[Purpose.CONFIRM_EMAIL],
)
_FORMER = select(_CHANGES.c.old_canonical_email, _CHANGES.c.confirmed_at).where(
    _CHANGES.c.account_id == bindparam("account"), _CHANGES.c.confirmed_at.is_not(None)
)
_END_PENDING = (
    update(_CHANGES)
    .where(_CHANGES.c.account_id == bindparam("account"), *_IS_PENDING)
    .values(ended_at=func.now())
)
_CONFIRM = (
    update(_CHANGES)
    .where(_CHANGES.c.id == bindparam("change"), *_IS_PENDING)
    .values(confirmed_at=func.now())
    .returning(_CHANGES.c.id)
)
_REVERT = (
    update(_CHANGES)
    .where(
        _CHANGES.c.id == bindparam("change"),
        _CHANGES.c.confirmed_at.is_not(None),
        _CHANGES.c.reverted_at.is_(None),
    )
    .values(reverted_at=func.now())
    .returning(_CHANGES.c.id)
)


def add_email_change(session: Session, change: EmailChange) -> None:
    """Writes a pending change down; the one before it has been ended."""
    session.execute(_ADD, {field.name: getattr(change, field.name) for field in fields(EmailChange)})


def find_email_change(session: Session, change_id: UUID) -> EmailChange:
    """Returns the change, which is there as long as its tokens are."""
    return EmailChange(**session.execute(_FIND, {"change": change_id}).mappings().one())


def find_pending_change(session: Session, account_id: UUID) -> EmailChange | None:
    """Returns the change of address an account waits for, if it does."""
    row = session.execute(_FIND_PENDING, {"account": account_id}).mappings().one_or_none()
    return None if row is None else EmailChange(**row)


def end_pending_change(session: Session, account_id: UUID) -> None:
    """Cancels the change of address an account waits for, if it does."""
    session.execute(_END_PENDING, {"account": account_id})


def confirm_email_change(session: Session, change_id: UUID) -> bool:
    """Records that the new mailbox's reader confirmed it; says whether it was pending."""
    return session.scalar(_CONFIRM, {"change": change_id}) is not None


def revert_email_change(session: Session, change_id: UUID) -> bool:
    """Records that the old mailbox's reader took it back; says whether it was confirmed and nobody had."""
    return session.scalar(_REVERT, {"change": change_id}) is not None


def former_addresses(session: Session, account_id: UUID) -> Sequence[tuple[str, datetime]]:
    """Returns the addresses an account had before, in their unique form, and until when; as far as they are remembered."""
    rows = session.execute(_FORMER, {"account": account_id})
    return [(canonical_email, confirmed_at) for canonical_email, confirmed_at in rows]

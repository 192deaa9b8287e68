"""What is known of an address when somebody registers it, in one question: the mailbox is locked meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy import bindparam, exists, func, literal, select
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.account import Account
from auth_service.domain.registration import JOIN_WINDOW, EndedFor

_ACCOUNTS = table_of(tables.Account)
_REGISTRATIONS = table_of(tables.Registration)
_REFUSED = table_of(tables.RefusedMailbox)

_ALIKE = (
    select(_REGISTRATIONS.c.id)
    .where(
        _REGISTRATIONS.c.canonical_email == bindparam("canonical"),
        _REGISTRATIONS.c.email == bindparam("typed"),
        _REGISTRATIONS.c.password_hash == bindparam("hashed"),
        _REGISTRATIONS.c.created_at > func.now() - JOIN_WINDOW,
        # Who refused it by mistake and registers again is to get a letter of her own.
        _REGISTRATIONS.c.ended_for.is_distinct_from(EndedFor.REFUSED.value),
    )
    .limit(1)
    .scalar_subquery()
)
_IS_REFUSED = exists().where(_REFUSED.c.recipient_tag == bindparam("tag"), _REFUSED.c.until > func.now())
_ONE = select(literal(1).label("one")).subquery()
_FIND = select(
    _ALIKE.label("alike"),
    _IS_REFUSED.label("is_refused"),
    *(_ACCOUNTS.c[field.name] for field in fields(Account)),
).select_from(_ONE.outerjoin(_ACCOUNTS, _ACCOUNTS.c.canonical_email == bindparam("canonical")))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressStatus:
    """How an address stands. Nobody outside may learn it from an answer.

    Attributes:
        account: of the address, if it has one.
        is_refused: whether its mailbox gets no letters of registration at present.
        alike: the registration of a moment ago that was asked for in the same words, unless it was refused.
    """

    account: Account | None
    is_refused: bool
    alike: UUID | None


def find_address_status(
    session: Session, *, typed: str, canonical: str, recipient_tag: str, password_hash: str
) -> AddressStatus:
    """Returns how an address stands for whoever registers it with this password."""
    values = {"typed": typed, "canonical": canonical, "tag": recipient_tag, "hashed": password_hash}
    row = dict(session.execute(_FIND, values).mappings().one())
    alike, is_refused = row.pop("alike"), row.pop("is_refused")
    account = None if row["id"] is None else Account(**row)
    return AddressStatus(account=account, is_refused=is_refused, alike=alike)

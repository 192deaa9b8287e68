"""What was sent to an account's mailbox, for its person: newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.account import Account
from auth_service.domain.receipt import ReceiptState
from auth_service.domain.registration import EndedFor
from mail_contract.letters import LetterName

_LETTERS = table_of(tables.Letter)
_EVENTS = table_of(tables.LetterEvent)
_REGISTRATIONS = table_of(tables.Registration)

_place = tuple_(_LETTERS.c.created_at, _LETTERS.c.id)
_BEFORE = _LETTERS.alias("before")
_CONFIRMED = select(_REGISTRATIONS.c.id).where(
    _REGISTRATIONS.c.canonical_email == bindparam("canonical"),
    _REGISTRATIONS.c.ended_for == EndedFor.CONFIRMED.value,
)
_FIRST_PAGE = (
    select(
        _LETTERS.c.id,
        _LETTERS.c.letter,
        _LETTERS.c.created_at,
        _LETTERS.c.state,
        select(func.max(_EVENTS.c.at))
        .where(_EVENTS.c.letter_id == _LETTERS.c.id)
        .scalar_subquery()
        .label("at"),
    )
    .where(
        # Of this mailbox only: what became of a letter to the address she wants next would say whether that is taken.
        _LETTERS.c.recipient_tag == bindparam("tag"),
        or_(_LETTERS.c.account_id == bindparam("account"), _LETTERS.c.registration_id.in_(_CONFIRMED)),
    )
    .order_by(_place.desc())
    .limit(bindparam("at_most", type_=Integer()))
)
_NEXT_PAGE = _FIRST_PAGE.where(
    _place
    < select(_BEFORE.c.created_at, _BEFORE.c.id)
    .where(_BEFORE.c.id == bindparam("after", type_=Uuid()))
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLetter:
    """A letter as its reader sees it.

    Attributes:
        id: of the letter.
        letter: which one.
        created_at: when it was written.
        state: what became of it.
        at: since when.
    """

    id: UUID
    letter: LetterName
    created_at: datetime
    state: ReceiptState
    at: datetime


def letters_to_account(
    session: Session, account: Account, recipient_tag: str, *, after: UUID | None, limit: int
) -> Sequence[SentLetter]:
    """Returns letters to an account's present mailbox, newest first.

    Args:
        session: of the flow.
        account: whose.
        recipient_tag: of its mailbox.
        after: the last letter of the page before; None for the first page.
        limit: letters at most.
    """
    rows = session.execute(
        _FIRST_PAGE if after is None else _NEXT_PAGE,
        {
            "account": account.id,
            "canonical": account.canonical_email,
            "tag": recipient_tag,
            "at_most": limit,
            **({} if after is None else {"after": after}),
        },
    )
    return [
        SentLetter(
            id=row.id,
            letter=LetterName(row.letter),
            created_at=row.created_at,
            state=ReceiptState(row.state),
            at=row.at,
        )
        for row in rows
    ]

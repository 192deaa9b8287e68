"""Everything known of an address, a receipt or a letter, read for an operator; nothing in it opens anything."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, or_, select
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.base import table_of
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.history import (
    AccountRecord,
    EventRecord,
    History,
    LetterRecord,
    OutboxRecord,
    RegistrationRecord,
    TokenRecord,
)
from auth_service.domain.registration import EndedFor

_ACCOUNTS: Final = table_of(tables.Account)
_REGISTRATIONS: Final = table_of(tables.Registration)
_LETTERS: Final = table_of(tables.Letter)
_EVENTS: Final = table_of(tables.LetterEvent)
_OUTBOX: Final = table_of(tables.OutboxRow)
_TOKENS: Final = table_of(tables.OneTimeToken)

R = TypeVar("R", AccountRecord, RegistrationRecord, LetterRecord, OutboxRecord, TokenRecord)


def history_of_address(session: Session, canonical_email: str, recipient_tag: str) -> History:
    """Returns what is known of an address: its account, its registrations, and every letter to it, decoys too."""
    registrations = _records(
        session, RegistrationRecord, _REGISTRATIONS, _REGISTRATIONS.c.canonical_email == canonical_email
    )
    letters = _records(session, LetterRecord, _LETTERS, _LETTERS.c.recipient_tag == recipient_tag)
    account = _account(session, _ACCOUNTS.c.canonical_email == canonical_email)
    tokens = _tokens_of(session, [registration.id for registration in registrations])
    return _history(session, account, registrations, letters, tokens)


def history_of_receipt(session: Session, receipt_hash: bytes) -> History:
    """Returns what is known of the request with this receipt."""
    first = select(_LETTERS.c.id).where(_LETTERS.c.receipt_hash == receipt_hash).scalar_subquery()
    return _of_request(session, first)


def history_of_letter(session: Session, letter_id: UUID) -> History:
    """Returns what is known of the request this letter is of, or of the letter, if nobody asked for it."""
    this = select(_LETTERS.c.id, _LETTERS.c.renewal_of).where(_LETTERS.c.id == letter_id).cte("this")
    return _of_request(session, select(func.coalesce(this.c.renewal_of, this.c.id)).scalar_subquery())


def _of_request(session: Session, first: Any) -> History:
    letters = _records(
        session, LetterRecord, _LETTERS, or_(_LETTERS.c.id == first, _LETTERS.c.renewal_of == first)
    )
    asked_by = {letter.registration_id for letter in letters if letter.registration_id is not None}
    about = {letter.account_id for letter in letters if letter.account_id is not None}
    registrations = _records(session, RegistrationRecord, _REGISTRATIONS, _REGISTRATIONS.c.id.in_(asked_by))
    addresses = select(_REGISTRATIONS.c.canonical_email).where(_REGISTRATIONS.c.id.in_(asked_by))
    account = _account(session, or_(_ACCOUNTS.c.id.in_(about), _ACCOUNTS.c.canonical_email.in_(addresses)))
    written = {letter.created_at for letter in letters}
    tokens = [token for token in _tokens_of(session, asked_by) if token.created_at in written]
    return _history(session, account, registrations, letters, tokens)


def _account(session: Session, condition: ColumnElement[bool]) -> AccountRecord | None:
    return next(iter(_records(session, AccountRecord, _ACCOUNTS, condition)), None)


def _history(
    session: Session,
    account: AccountRecord | None,
    registrations: list[RegistrationRecord],
    letters: list[LetterRecord],
    tokens: list[TokenRecord],
) -> History:
    ids = [letter.id for letter in letters]
    events = session.execute(
        select(_EVENTS).where(_EVENTS.c.letter_id.in_(ids)).order_by(_EVENTS.c.id)
    ).mappings()
    return History(
        account=account,
        registrations=registrations,
        letters=letters,
        events=[
            EventRecord(
                letter_id=event["letter_id"],
                at=event["at"],
                state=DeliveryState(event["state"]),
                detail=event["detail"],
                reported=event["report_id"] is not None,
            )
            for event in events
        ],
        outbox=_records(session, OutboxRecord, _OUTBOX, _OUTBOX.c.letter_id.in_(ids)),
        tokens=tokens,
    )


def _tokens_of(session: Session, registrations: Collection[UUID]) -> list[TokenRecord]:
    return _records(session, TokenRecord, _TOKENS, _TOKENS.c.registration_id.in_(registrations))


def _records(session: Session, record: type[R], table: Table, condition: ColumnElement[bool]) -> list[R]:
    """Rows as records; the columns are the record's fields, so no other leaves the database."""
    columns = [table.c[field.name] for field in fields(record)]
    rows = session.execute(select(*columns).where(condition).order_by(table.c.created_at)).mappings()
    return [record(**_typed(dict(row))) for row in rows]


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    if row.get("ended_for") is not None:
        row["ended_for"] = EndedFor(row["ended_for"])
    return row | {"state": DeliveryState(row["state"])} if "state" in row else row

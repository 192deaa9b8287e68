"""All that is kept of one person, table by table, for an operator: as it is, without what would open anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, or_, select
from sqlalchemy.orm import Session

from auth_service.db import tables
from auth_service.db.account_tables import AuthorizationCode
from auth_service.db.base import table_of

_ACCOUNTS: Final = table_of(tables.Account)
_REGISTRATIONS: Final = table_of(tables.Registration)
_SESSIONS: Final = table_of(tables.AccountSession)
_REFRESH_TOKENS: Final = table_of(tables.RefreshToken)
_CODES: Final = table_of(AuthorizationCode)
_CHANGES: Final = table_of(tables.EmailChange)
_TOKENS: Final = table_of(tables.OneTimeToken)
_LETTERS: Final = table_of(tables.Letter)
_EVENTS: Final = table_of(tables.LetterEvent)
_OUTBOX: Final = table_of(tables.OutboxRow)
_REFUSED: Final = table_of(tables.RefusedMailbox)
_AUDIT: Final = table_of(tables.AuditEvent)

WITHHELD: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "accounts": frozenset({"password_hash"}),
        "registrations": frozenset({"password_hash", "secret_hash", "refusal_hash"}),
        "refresh_tokens": frozenset({"hash"}),
        "authorization_codes": frozenset({"hash", "challenge"}),
        "one_time_tokens": frozenset({"link_hash", "code_hash"}),
        "letters": frozenset({"receipt_hash"}),
        # Sealed: nobody but the mailer can read it.
        "outbox": frozenset({"payload"}),
    }
)
"""Columns that are not told: hashes of secrets, of which a copy is worth something to a thief and nothing to the person."""

NOT_OF_A_PERSON: Final = frozenset({"account_imports", "announcements", "hold_totals", "limits"})
"""Tables without anybody in them; in `limits` only keyed hashes of who asked, a day long at most."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """By what a person is found.

    Attributes:
        addresses: canonical.
        tags: of their mailboxes.
        accounts: their ids.
    """

    addresses: Collection[str]
    tags: Collection[str]
    accounts: Collection[UUID]


def traces_of(session: Session, *, address: str | None, id_: UUID | None) -> tuple[set[str], set[UUID]]:
    """Returns the addresses and accounts that belong to an address, or to the id of an account or registration.

    A pending or former address of an account belongs to it; another person who has it by now is another account.
    """
    of_account = _ACCOUNTS.c.canonical_email == address if id_ is None else _ACCOUNTS.c.id == id_
    found = session.execute(select(_ACCOUNTS.c.id, _ACCOUNTS.c.canonical_email).where(of_account)).all()
    addresses = {row.canonical_email for row in found} | ({address} if address else set())
    if id_ is not None:
        registered = select(_REGISTRATIONS.c.canonical_email).where(_REGISTRATIONS.c.id == id_)
        addresses |= set(session.scalars(registered))
    accounts = {row.id for row in found} | ({id_} if id_ else set())
    return addresses, accounts


def accounts_that_had(session: Session, address: str) -> Sequence[Row]:
    """Returns changes of address from or to this one, of whatever account."""
    condition = or_(_CHANGES.c.canonical_email == address, _CHANGES.c.old_canonical_email == address)
    return _rows(session, _CHANGES, condition, _CHANGES.c.created_at)


def read_person(session: Session, traces: Traces) -> Mapping[str, Sequence[Row]]:
    """Returns the rows of every table that has something of the person, the oldest first."""
    accounts, addresses = traces.accounts, traces.addresses
    registrations = _rows(
        session,
        _REGISTRATIONS,
        _REGISTRATIONS.c.canonical_email.in_(addresses),
        _REGISTRATIONS.c.created_at,
    )
    registered = [row["id"] for row in registrations]
    of_account = _SESSIONS.c.account_id.in_(accounts)
    letters = _rows(
        session,
        _LETTERS,
        or_(
            _LETTERS.c.recipient_tag.in_(traces.tags),
            _LETTERS.c.account_id.in_(accounts),
            _LETTERS.c.registration_id.in_(registered),
        ),
        _LETTERS.c.created_at,
    )
    written = [row["id"] for row in letters]
    tokens = or_(_TOKENS.c.account_id.in_(accounts), _TOKENS.c.registration_id.in_(registered))
    audited = _AUDIT.c.target.in_([*map(str, accounts), *traces.tags])
    their_sessions = select(_SESSIONS.c.id).where(of_account)
    refreshed = _REFRESH_TOKENS.c.session_id.in_(their_sessions)
    handed_out = _CODES.c.session_id.in_(their_sessions)
    return {
        "accounts": _rows(session, _ACCOUNTS, _ACCOUNTS.c.id.in_(accounts), _ACCOUNTS.c.created_at),
        "registrations": registrations,
        "sessions": _rows(session, _SESSIONS, of_account, _SESSIONS.c.created_at),
        "refresh_tokens": _rows(session, _REFRESH_TOKENS, refreshed, _REFRESH_TOKENS.c.created_at),
        "authorization_codes": _rows(session, _CODES, handed_out, _CODES.c.expires_at),
        "email_changes": _rows(session, _CHANGES, _CHANGES.c.account_id.in_(accounts), _CHANGES.c.created_at),
        "one_time_tokens": _rows(session, _TOKENS, tokens, _TOKENS.c.created_at),
        "letters": letters,
        "letter_events": _rows(session, _EVENTS, _EVENTS.c.letter_id.in_(written), _EVENTS.c.id),
        "outbox": _rows(session, _OUTBOX, _OUTBOX.c.letter_id.in_(written), _OUTBOX.c.created_at),
        "refused_mailboxes": _rows(
            session, _REFUSED, _REFUSED.c.recipient_tag.in_(traces.tags), _REFUSED.c.refused_at
        ),
        "audit_events": _rows(session, _AUDIT, audited, _AUDIT.c.id),
    }


def _rows(
    session: Session, table: Table, condition: ColumnElement[bool], order: Column[Any]
) -> Sequence[Row]:
    withheld = WITHHELD.get(table.name, frozenset())
    columns = [column for column in table.c if column.name not in withheld]
    if "password_hash" in withheld:
        columns.append(table.c.password_hash.is_not(None).label("has_password"))  # type: ignore[arg-type]
    return [
        dict(row) for row in session.execute(select(*columns).where(condition).order_by(order)).mappings()
    ]

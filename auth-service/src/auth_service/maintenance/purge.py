"""What nobody needs any more, deleted batch by batch; each may be run at any time, by several at once, and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, CursorResult, Delete, delete, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from auth_service.db.account_tables import OF_A_MAILBOX
from auth_service.db.base import Base
from auth_service.db.tables import (
    AccountSession,
    AuditEvent,
    AuthorizationCode,
    EmailChange,
    Letter,
    OneTimeToken,
    OutboxRow,
    RefreshToken,
    RefusedMailbox,
    Registration,
)
from auth_service.domain.registration import EndedFor
from auth_service.outbox import withdraw_letters
from mail_contract.messages import CancellationReason

PENDING_LIFETIME: Final = timedelta(days=7)
"""How long a registration that nobody confirmed is remembered, whatever was sent again meanwhile."""

TOKEN_MEMORY: Final = timedelta(days=7)
"""How long after its end a token is remembered, so that a late click is told why it no longer works."""

LETTER_LIFETIME: Final = timedelta(days=30)
"""How long receipts can be looked up."""

SESSION_MEMORY: Final = timedelta(days=30)
"""How long after its end a session is remembered, and after its use a refresh token: one that comes back later is only unknown."""

CODE_MEMORY: Final = timedelta(days=1)
"""How long after its end an authorization code that gave a session is remembered, so that one that comes back ends it."""

EMAIL_CHANGE_MEMORY: Final = timedelta(days=30)
"""How long a change of address is remembered; the way back is open for 7 days."""

AUDIT_MEMORY: Final = timedelta(days=400)
"""How long the audit of accounts is kept: a year can be looked back on, and a month is left to do it."""

MAILBOX_AUDIT_MEMORY: Final = timedelta(days=30)
"""How long it is kept what strangers tried with a mailbox that has no account: nobody but an operator after an attack asks for it."""


def purge_registrations(session: Session, *, limit: int) -> int:
    """Deletes registrations that nobody confirmed, at most `limit`; returns how many. Their unsent letters are withdrawn.

    One that was confirmed goes when no letter is left whose receipt says so. What stands in one that was not cannot be seen from outside: they go at
    the same age, whether they were pending, overtaken or of a taken address.
    """
    doomed = session.execute(
        select(Registration.id, func.now())
        .where(
            Registration.created_at <= func.now() - PENDING_LIFETIME,
            or_(
                Registration.ended_for.is_distinct_from(EndedFor.CONFIRMED),
                ~exists().where(Letter.registration_id == Registration.id),
            ),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if doomed:
        registrations, (_, at) = [id_ for id_, _ in doomed], doomed[0]
        withdraw_letters(session, registrations, CancellationReason.ACCOUNT_DELETED, at=at)
        session.execute(
            delete(Registration)
            .where(Registration.id.in_(registrations))
            .execution_options(synchronize_session=False)
        )
    return len(doomed)


def purge_refusals(session: Session, *, limit: int) -> int:
    """Deletes refusals of mailboxes whose time is over, at most `limit`; returns how many."""
    return _delete_some(
        session,
        RefusedMailbox,
        RefusedMailbox.recipient_tag,
        RefusedMailbox.until <= func.now(),
        limit=limit,
    )


def purge_tokens(session: Session, *, limit: int) -> int:
    """Deletes one-time tokens whose end is long past, used or not, decoys too, at most `limit`; returns how many."""
    return _delete_some(
        session,
        OneTimeToken,
        OneTimeToken.id,
        OneTimeToken.expires_at <= func.now() - TOKEN_MEMORY,
        limit=limit,
    )


def purge_sessions(session: Session, *, limit: int) -> int:
    """Deletes sessions that ended long ago, with their refresh tokens and network addresses, at most `limit`; returns how many.

    First those nobody used any more, then those that were ended: each by an index of its own.
    """
    long_ago, deleted = func.now() - SESSION_MEMORY, 0
    for end in (AccountSession.idle_until, AccountSession.ended_at):
        deleted += _delete_some(
            session, AccountSession, AccountSession.id, end <= long_ago, limit=limit - deleted
        )
    return deleted


def purge_refresh_tokens(session: Session, *, limit: int) -> int:
    """Deletes refresh tokens that were used long ago, at most `limit`; returns how many."""
    return _delete_some(
        session,
        RefreshToken,
        RefreshToken.hash,
        RefreshToken.used_at <= func.now() - SESSION_MEMORY,
        limit=limit,
    )


def purge_codes(session: Session, *, limit: int) -> int:
    """Deletes authorization codes, at most `limit`; returns how many: at their end, but those that gave a session long after it."""
    return _delete_some(
        session,
        AuthorizationCode,
        AuthorizationCode.hash,
        AuthorizationCode.expires_at <= func.now(),
        or_(
            AuthorizationCode.opened_id.is_(None),
            AuthorizationCode.expires_at <= func.now() - CODE_MEMORY,
        ),
        limit=limit,
    )


def purge_email_changes(session: Session, *, limit: int) -> int:
    """Deletes old changes of addresses, with the addresses they name, at most `limit`; returns how many."""
    return _delete_some(
        session,
        EmailChange,
        EmailChange.id,
        EmailChange.created_at <= func.now() - EMAIL_CHANGE_MEMORY,
        limit=limit,
    )


def purge_audit(session: Session, *, limit: int) -> int:
    """Deletes what the audit has told for long enough, at most `limit`; returns how many.

    Without locking rows first: that would take a right to change what it tells.
    """
    deleted = 0
    for old in (
        [AuditEvent.at <= func.now() - AUDIT_MEMORY],
        [AuditEvent.at <= func.now() - MAILBOX_AUDIT_MEMORY, OF_A_MAILBOX],
    ):
        some = select(AuditEvent.id).where(*old).limit(limit - deleted)
        deleted += _rows_of(session, delete(AuditEvent).where(AuditEvent.id.in_(some)))
    return deleted


def purge_letters(session: Session, *, limit: int) -> int:
    """Deletes old letters with their timelines and receipts, at most `limit`; returns how many.

    One still in the outbox stays: the relay has not decided about it. So does one that was renewed, for its receipt
    tells of both, and one that is to be.
    """
    renewed = aliased(Letter)
    return _delete_some(
        session,
        Letter,
        Letter.id,
        Letter.created_at <= func.now() - LETTER_LIFETIME,
        ~Letter.renewal_due,
        ~exists().where(OutboxRow.letter_id == Letter.id),
        ~exists().where(renewed.renewal_of == Letter.id),
        limit=limit,
    )


def _delete_some(
    session: Session,
    table: type[Base],
    key: InstrumentedAttribute[Any],
    *conditions: ColumnElement[bool],
    limit: int,
) -> int:
    # Rows somebody is just using are left for the next time.
    doomed = select(key).where(*conditions).limit(limit).with_for_update(skip_locked=True).cte("doomed")
    return _rows_of(session, delete(table).where(key == doomed.c[key.key]))


def _rows_of(session: Session, statement: Delete) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)  # noqa: S101 - for the type checker: a DELETE has a row count
    return result.rowcount

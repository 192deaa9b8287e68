"""What nobody needs any more, deleted batch by batch; each may be run at any time, by several at once, and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, CursorResult, delete, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from auth_service.outbox import withdraw_letters_of
from auth_service.store.base import Base
from auth_service.store.tables import Account, Letter, OneTimeToken, OutboxRow
from mail_contract.messages import CancellationReason

UNVERIFIED_LIFETIME: Final = timedelta(days=7)
"""An account nobody verified holds its address against its owner (pre-hijacking); after a week it goes."""

TOKEN_MEMORY: Final = timedelta(days=7)
"""How long after its end a token is remembered, so that a late click is told why it no longer works."""

LETTER_LIFETIME: Final = timedelta(days=30)
"""How long receipts can be looked up."""


def purge_unverified_accounts(session: Session, *, limit: int) -> int:
    """Deletes accounts that were never verified, at most `limit`; returns how many. Their unsent letters are withdrawn.

    Not while a token of theirs is good: somebody who registered the address again has its full time to confirm it.
    """
    has_good_token = exists().where(
        OneTimeToken.account_id == Account.id,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.voided_at.is_(None),
        OneTimeToken.expires_at > func.now(),
    )
    doomed = session.execute(
        select(Account.id, func.now())
        .where(
            Account.verified_at.is_(None),
            Account.created_at <= func.now() - UNVERIFIED_LIFETIME,
            ~has_good_token,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if doomed:
        accounts, (_, at) = [account for account, _ in doomed], doomed[0]
        withdraw_letters_of(session, accounts, CancellationReason.ACCOUNT_DELETED, at=at)
        session.execute(
            delete(Account).where(Account.id.in_(accounts)).execution_options(synchronize_session=False)
        )
    return len(doomed)


def purge_tokens(session: Session, *, limit: int) -> int:
    """Deletes one-time tokens whose end is long past, used or not, decoys too, at most `limit`; returns how many."""
    return _delete_some(
        session,
        OneTimeToken,
        OneTimeToken.id,
        OneTimeToken.expires_at <= func.now() - TOKEN_MEMORY,
        limit=limit,
    )


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
    result = session.execute(
        delete(table).where(key == doomed.c.id).execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)  # noqa: S101 - for the type checker: a DELETE has a row count
    return result.rowcount

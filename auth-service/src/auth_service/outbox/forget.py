"""③ Forgetting whose letters they are, when their account is deleted: what still waits is taken out, what is kept leads to nobody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from auth_service.db.base import table_of
from auth_service.db.tables import Letter, OutboxKind, OutboxRow
from auth_service.domain.delivery import DeliveryState
from auth_service.domain.rank import CANCELLATION_RANK
from auth_service.outbox.message import WAKE_UP_CHANNEL
from auth_service.outbox.settle import move_letters
from mail_contract.messages import Cancellation, CancellationReason
from service_runtime.telemetry import current_correlation_id

NOBODYS: Final = ""
"""The tag of a letter nobody can be found by any more."""


def forget_letters(
    session: Session, account_id: UUID, mailboxes: Sequence[tuple[str, datetime | None]], *, at: datetime
) -> None:
    """Forgets whose an account's letters and all others to its mailboxes are; those on their way have been withdrawn.

    The mailer is told of every one that may have left, whatever became of it: dead letters are to go, and a copy of an old
    message is never to be sent. Receipts and counts go on, they name nobody. A letter that a relay has in hand leaves, and its
    cancellation follows it.

    Args:
        session: of the flow that deletes the account.
        account_id: whose.
        mailboxes: tags of its present one, locked by the flow, and of its former ones; and until when it was that, if it no
            longer is.
        at: the database's time.
    """
    theirs = or_(Letter.account_id == account_id, *(_to(tag, until) for tag, until in mailboxes))
    taken_out = session.scalars(
        delete(OutboxRow)
        .where(
            OutboxRow.letter_id.in_(select(Letter.id).where(theirs)),
            OutboxRow.kind == OutboxKind.LETTER,
            OutboxRow.claimed_by.is_(None),
        )
        .returning(OutboxRow.letter_id)
        .execution_options(synchronize_session=False)
    ).all()
    move_letters(session, taken_out, DeliveryState.SUPERSEDED)
    forgotten = session.execute(
        update(Letter)
        .where(theirs)
        .values(recipient_tag=NOBODYS, renewal_due=False)
        .returning(Letter.id, Letter.state, Letter.withdrawn_for)
        .execution_options(synchronize_session=False)
    )
    deleted = CancellationReason.ACCOUNT_DELETED
    _cancel(
        session,
        [row.id for row in forgotten if row.state != DeliveryState.LIMITED and row.withdrawn_for != deleted],
        deleted,
        at=at,
    )


def _to(recipient_tag: str, until: datetime | None) -> ColumnElement[bool]:
    to_it = Letter.recipient_tag == recipient_tag
    return to_it if until is None else and_(to_it, Letter.created_at <= until)


def _cancel(session: Session, letters: Collection[UUID], reason: CancellationReason, *, at: datetime) -> None:
    """Tells the mailer of letters whose state here does not change by it."""
    if not letters:
        return
    rows = [
        {
            "id": uuid4(),
            "letter_id": letter_id,
            "kind": OutboxKind.CANCELLATION,
            "rank": CANCELLATION_RANK,
            "payload": Cancellation(letter_id=letter_id, reason=reason, at=at).model_dump(mode="json"),
            "correlation_id": current_correlation_id(),
        }
        for letter_id in letters
    ]
    session.execute(insert(table_of(OutboxRow)), rows)
    session.execute(select(func.pg_notify(WAKE_UP_CHANNEL, "")))

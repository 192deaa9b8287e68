"""③ Forgetting whose letters they are, when their account is deleted: what still waits is taken out, what is kept leads to nobody."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from auth_service.db.tables import Letter, OutboxKind, OutboxRow
from auth_service.domain.delivery import DeliveryState
from auth_service.outbox.settle import move_letters

NOBODYS: Final = ""
"""The tag of a letter nobody can be found by any more."""


def forget_letters(session: Session, account_id: UUID, recipient_tag: str) -> None:
    """Forgets whose an account's letters and all others to its mailbox are; they have been withdrawn.

    Receipts and counts go on, they name nobody. A letter that a relay has in hand leaves, and its cancellation follows it.

    Args:
        session: of the flow that deletes the account.
        account_id: whose.
        recipient_tag: of its mailbox, locked by the flow.
    """
    theirs = _of(account_id, recipient_tag)
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
    session.execute(
        update(Letter)
        .where(theirs)
        .values(recipient_tag=NOBODYS, renewal_due=False)
        .execution_options(synchronize_session=False)
    )


def _of(account_id: UUID, recipient_tag: str) -> ColumnElement[bool]:
    return or_(Letter.account_id == account_id, Letter.recipient_tag == recipient_tag)

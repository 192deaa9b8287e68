"""③ Writing many letters of one announcement into the outbox: three statements, however many they are."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from auth_service.db.base import table_of
from auth_service.db.tables import Letter, LetterEvent, OutboxKind, OutboxRow
from auth_service.domain.delivery import DeliveryState
from auth_service.outbox.message import WAKE_UP_CHANNEL, letter_columns, outbox_columns
from mail_contract.messages import Envelope


def enqueue_announced(session: Session, letters: Mapping[UUID, Envelope], *, announcement: str) -> None:
    """Records letters as accepted and puts them into the outbox; they leave only if the session's transaction commits.

    Args:
        session: of the flow; it holds the accounts.
        letters: by account.
        announcement: what they are part of. Nobody asked for them, so they have no receipt.
    """
    if not letters:
        return
    session.execute(
        insert(table_of(Letter)),
        [
            letter_columns(sealed.header)
            | {"account_id": account_id, "state": DeliveryState.ACCEPTED, "announcement": announcement}
            for account_id, sealed in letters.items()
        ],
    )
    session.execute(
        insert(table_of(LetterEvent)),
        [{"letter_id": sealed.header.id, "state": DeliveryState.ACCEPTED} for sealed in letters.values()],
    )
    session.execute(
        insert(table_of(OutboxRow)),
        [
            outbox_columns(sealed)
            | {"id": sealed.header.id, "letter_id": sealed.header.id, "kind": OutboxKind.LETTER}
            for sealed in letters.values()
        ],
    )
    session.execute(select(func.pg_notify(WAKE_UP_CHANNEL, "")))

"""③ Writing messages into the outbox, inside the transaction of the flow that causes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Text, bindparam, func, insert, select
from sqlalchemy.orm import Session

from auth_service.errors import UnknownLetter
from auth_service.outbox.message import CANCELLATION_RANK, LETTER_RANKS, WAKE_UP_CHANNEL
from auth_service.store.tables import Letter, OutboxKind, OutboxRow, table_of
from mail_contract.messages import Cancellation, CancellationReason, Envelope
from mail_contract.telemetry import current_correlation_id

_OUTBOX = table_of(OutboxRow)
_LETTERS = table_of(Letter)
_VALUES = ("id", "kind", "rank", "payload", "correlation_id")
# One statement writes the row and rings the bell; built once, for it is on the path of every registration.
_ENQUEUE = (
    insert(_OUTBOX)
    .from_select(
        ["letter_id", *_VALUES],
        select(_LETTERS.c.id, *(bindparam(name, type_=_OUTBOX.c[name].type) for name in _VALUES)).where(
            _LETTERS.c.id == bindparam("letter_id")
        ),
    )
    .inline()
    .returning(func.pg_notify(WAKE_UP_CHANNEL, "", type_=Text()))
)


def enqueue_letter(session: Session, envelope: Envelope) -> None:
    """Puts a sealed letter into the outbox; it leaves only if the session's transaction commits.

    Args:
        session: of the flow; the row of `letters` with the envelope's id is already added to it.
        envelope: signed and sealed; nothing in it is readable to whoever reads the table.

    Raises:
        UnknownLetter: `letters` has no such row: without it nobody would ever hear what became of the letter.
    """
    header = envelope.header
    written = _enqueue(
        session,
        id=header.id,
        letter_id=header.id,
        kind=OutboxKind.LETTER,
        rank=LETTER_RANKS[header.letter_class],
        payload=envelope.model_dump(mode="json"),
    )
    if not written:
        raise UnknownLetter


def enqueue_cancellation(
    session: Session, letter_id: UUID, reason: CancellationReason, *, at: datetime | None = None
) -> None:
    """Puts the withdrawal of a letter into the outbox; it leaves only if the session's transaction commits.

    Whether it comes in time is for the mailer to say: its report decides what became of the letter. Where there is no
    such letter nothing is written, by the same statement.

    Args:
        session: of the flow.
        letter_id: which letter.
        reason: why.
        at: the database's time, if the caller has it; asked for otherwise.
    """
    if at is None:
        at = cast("datetime", session.scalar(select(func.now())))
    cancellation = Cancellation(letter_id=letter_id, reason=reason, at=at)
    _enqueue(
        session,
        id=uuid4(),
        letter_id=letter_id,
        kind=OutboxKind.CANCELLATION,
        rank=CANCELLATION_RANK,
        payload=cancellation.model_dump(mode="json"),
    )


def _enqueue(session: Session, **values: Any) -> bool:
    session.flush()
    rows = session.execute(_ENQUEUE, {**values, "correlation_id": current_correlation_id()})
    return rows.one_or_none() is not None

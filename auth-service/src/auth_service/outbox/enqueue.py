"""③ Writing letters and their withdrawals into the outbox, inside the transaction of the flow that causes them.

Each is one statement: a letter without its outbox row, or a withdrawn one without its cancellation, cannot come to be;
and a round trip saved is saved on every registration.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Text, bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from auth_service.domain.delivery import OPEN_STATES, DeliveryState
from auth_service.outbox.message import CANCELLATION_RANK, LETTER_RANKS, WAKE_UP_CHANNEL
from auth_service.store.tables import Letter, LetterEvent, OutboxKind, OutboxRow, table_of
from mail_contract.letters import LetterName
from mail_contract.messages import Cancellation, CancellationReason, Envelope
from mail_contract.telemetry import current_correlation_id

_OUTBOX = table_of(OutboxRow)
_LETTERS = table_of(Letter)
_EVENTS = table_of(LetterEvent)
_NOBODY = UUID(int=0)


def _row(source: CTE, *, id: Any, payload: Any, rank: Any, kind: OutboxKind) -> Any:  # noqa: A002 - the column's name
    """The outbox row for each of `source`; returning it rings the relay's bell."""
    columns = {
        "id": id,
        "letter_id": source.c.id,
        "kind": literal(kind.value),
        "rank": rank,
        "payload": payload,
        "correlation_id": bindparam("correlation_id", type_=Text()),
    }
    rows = select(*(value.label(name) for name, value in columns.items())).select_from(source)
    return insert(_OUTBOX).from_select(list(columns), rows).inline()


_LETTER_FIELDS = ("id", "account_id", "letter", "letter_class", "recipient_tag", "receipt_hash", "expires_at")
_ADDED = (
    insert(_LETTERS)
    .values(
        {name: bindparam(name) for name in _LETTER_FIELDS} | {"state": literal(DeliveryState.ACCEPTED.value)}
    )
    .returning(_LETTERS.c.id, _LETTERS.c.state)
    .cte("added")
)
_BORN = (
    insert(_EVENTS)
    .from_select(["letter_id", "state"], select(_ADDED.c.id, _ADDED.c.state))
    .inline()
    .returning(_EVENTS.c.letter_id)
    .cte("born")
)
_ENQUEUE_LETTER = (
    _row(
        _ADDED,
        id=_ADDED.c.id,
        payload=bindparam("payload", type_=JSONB()),
        rank=bindparam("rank", type_=_OUTBOX.c.rank.type),
        kind=OutboxKind.LETTER,
    )
    .returning(func.pg_notify(WAKE_UP_CHANNEL, "", type_=Text()))
    .add_cte(_BORN)
)

_WITHDRAWN = (
    update(_LETTERS)
    .where(
        _LETTERS.c.recipient_tag == bindparam("tag"),
        _LETTERS.c.letter.in_(bindparam("names", expanding=True)),
        _LETTERS.c.withdrawn_at.is_(None),
        _LETTERS.c.state.in_(sorted(OPEN_STATES)),
    )
    .values(withdrawn_at=func.now())
    .returning(_LETTERS.c.id)
    .cte("withdrawn")
)
_WITHDRAW = _row(
    _WITHDRAWN,
    id=func.gen_random_uuid(),
    payload=bindparam("payload", type_=JSONB()).op("||")(
        func.jsonb_build_object("letter_id", _WITHDRAWN.c.id)
    ),
    rank=literal(CANCELLATION_RANK, type_=_OUTBOX.c.rank.type),
    kind=OutboxKind.CANCELLATION,
).returning(func.pg_notify(WAKE_UP_CHANNEL, "", type_=Text()))


def enqueue_letter(
    session: Session, envelope: Envelope, *, account_id: UUID | None, receipt_hash: bytes
) -> None:
    """Records a letter as accepted and puts it into the outbox; it leaves only if the session's transaction commits.

    Args:
        session: of the flow.
        envelope: signed and sealed; nothing in it is readable to whoever reads the table.
        account_id: whom it is about, if anybody.
        receipt_hash: of the receipt its progress can be looked up with.
    """
    header = envelope.header
    session.execute(
        _ENQUEUE_LETTER,
        {
            "id": header.id,
            "account_id": account_id,
            "letter": header.letter,
            "letter_class": header.letter_class,
            "recipient_tag": header.recipient_tag,
            "receipt_hash": receipt_hash,
            "expires_at": header.expires_at,
            "rank": LETTER_RANKS[header.letter_class],
            "payload": envelope.model_dump(mode="json"),
            "correlation_id": current_correlation_id(),
        },
    )


def withdraw_letters(
    session: Session,
    recipient_tag: str,
    names: Collection[LetterName],
    reason: CancellationReason,
    *,
    at: datetime,
) -> None:
    """Withdraws what is still on its way to a recipient, decoys too, each by a cancellation in the outbox.

    Whether it comes in time is for the mailer to say: its report decides what became of the letter.

    Args:
        session: of the flow.
        recipient_tag: whose letters.
        names: which of them.
        reason: why.
        at: the database's time.
    """
    cancellation = Cancellation(letter_id=_NOBODY, reason=reason, at=at)
    session.execute(
        _WITHDRAW,
        {
            "tag": recipient_tag,
            "names": list(names),
            "payload": cancellation.model_dump(mode="json"),
            "correlation_id": current_correlation_id(),
        },
    )

"""③ Writing letters and their withdrawals into the outbox, inside the transaction of the flow that causes them.

A letter without its outbox row, or a withdrawn one without its cancellation, cannot come to be: each is written by one
statement with the other. A letter and the withdrawal of those before it share one too; a round trip saved is saved on
every registration.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Text, bindparam, false, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from auth_service.domain.delivery import WITHDRAWABLE_STATES, DeliveryState
from auth_service.domain.renewal import Renewal
from auth_service.outbox.columns import HEADER_COLUMNS, letter_columns, outbox_columns
from auth_service.outbox.message import CANCELLATION_RANK, WAKE_UP_CHANNEL
from auth_service.store.base import constant, table_of
from auth_service.store.rider import Rider, execute
from auth_service.store.tables import Letter, LetterEvent, OutboxKind, OutboxRow
from mail_contract.letters import LetterName
from mail_contract.messages import Cancellation, CancellationReason, Envelope
from mail_contract.telemetry import current_correlation_id

_OUTBOX = table_of(OutboxRow)
_LETTERS = table_of(Letter)
_EVENTS = table_of(LetterEvent)
_NOBODY = UUID(int=0)
_RING = func.pg_notify(constant(WAKE_UP_CHANNEL), constant(""), type_=Text())


def _row(source: CTE, *, id: Any, payload: Any, rank: Any, kind: OutboxKind) -> Any:  # noqa: A002 - the column's name
    """The outbox row for each of `source`; returning it rings the relay's bell."""
    columns = {
        "id": id,
        "letter_id": source.c.id,
        "kind": constant(kind.value),
        "rank": rank,
        "payload": payload,
        "correlation_id": bindparam("correlation_id", type_=Text()),
    }
    rows = select(*(value.label(name) for name, value in columns.items())).select_from(source)
    return insert(_OUTBOX).from_select(list(columns), rows).inline()


def _parameter(field: str) -> str:
    # A parameter named like a column is taken for a value of every UPDATE that rides along.
    return f"new_{field}"


_LETTER_FIELDS = (*HEADER_COLUMNS, "account_id", "receipt_hash", "renewal_of", "renewal")
_ADDED = (
    insert(_LETTERS)
    .values(
        {field: bindparam(_parameter(field)) for field in _LETTER_FIELDS}
        | {"state": constant(DeliveryState.ACCEPTED.value)}
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
    .returning(_RING)
    .add_cte(_BORN)
)


def _withdrawal(*whose: ColumnElement[bool]) -> Any:
    withdrawn = (
        update(_LETTERS)
        .where(
            *whose,
            _LETTERS.c.withdrawn_at.is_(None),
            # Where the relay asked for a fresh letter there is to be none any more.
            or_(_LETTERS.c.state.in_(sorted(WITHDRAWABLE_STATES)), _LETTERS.c.renewal_due),
        )
        .values(withdrawn_at=func.now(), withdrawn_for=bindparam("reason", type_=Text()), renewal_due=false())
        .returning(_LETTERS.c.id)
        .cte("withdrawn")
    )
    return _row(
        withdrawn,
        id=func.gen_random_uuid(),
        payload=bindparam("cancellation", type_=JSONB()).op("||")(
            func.jsonb_build_object(constant("letter_id"), withdrawn.c.id)
        ),
        rank=constant(CANCELLATION_RANK),
        kind=OutboxKind.CANCELLATION,
    ).returning(_RING)


_WITHDRAW = _withdrawal(
    _LETTERS.c.recipient_tag == bindparam("tag"), _LETTERS.c.letter.in_(bindparam("names", expanding=True))
)
_WITHDRAWING = _WITHDRAW.cte("cancelled")
_WITHDRAW_ALL = _withdrawal(_LETTERS.c.account_id.in_(bindparam("accounts", expanding=True)))


def enqueue_letter(
    session: Session,
    envelope: Envelope,
    *,
    account_id: UUID | None,
    story: bytes | Renewal,
    riders: Sequence[Rider] = (),
) -> None:
    """Records a letter as accepted and puts it into the outbox; it leaves only if the session's transaction commits.

    Args:
        session: of the flow.
        envelope: signed and sealed; nothing in it is readable to whoever reads the table.
        account_id: whom it is about, if anybody.
        story: the hash of the receipt its progress can be looked up with, or which earlier letter it renews.
        riders: other writes that are to be done with it.
    """
    renewal = story if isinstance(story, Renewal) else None
    letter = letter_columns(envelope.header) | {
        "account_id": account_id,
        "receipt_hash": None if renewal else story,
        "renewal_of": renewal.of if renewal else None,
        "renewal": renewal.number if renewal else 0,
    }
    parameters = {_parameter(field): value for field, value in letter.items()}
    execute(session, _ENQUEUE_LETTER, parameters | outbox_columns(envelope), *riders)


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
    session.execute(_WITHDRAW, _whose(recipient_tag, names) | _cancellation(reason, at))


def withdrawal(
    recipient_tag: str, names: Collection[LetterName], reason: CancellationReason, *, at: datetime
) -> Rider:
    """Returns the same as a write that rides on that of the letter which takes their place."""
    return Rider(write=_WITHDRAWING, values=_whose(recipient_tag, names) | _cancellation(reason, at))


def withdraw_letters_of(
    session: Session, accounts: Collection[UUID], reason: CancellationReason, *, at: datetime
) -> None:
    """Withdraws every letter still on its way to these accounts, whatever it says; to be called before they are deleted.

    Args:
        session: of the flow; it has locked the accounts.
        accounts: whose letters.
        reason: why.
        at: the database's time.
    """
    session.execute(_WITHDRAW_ALL, {"accounts": list(accounts)} | _cancellation(reason, at))


def _whose(recipient_tag: str, names: Collection[LetterName]) -> dict[str, Any]:
    return {"tag": recipient_tag, "names": list(names)}


def _cancellation(reason: CancellationReason, at: datetime) -> dict[str, Any]:
    return {
        "reason": reason,
        "cancellation": Cancellation(letter_id=_NOBODY, reason=reason, at=at).model_dump(mode="json"),
        "correlation_id": current_correlation_id(),
    }

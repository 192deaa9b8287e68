"""③ Writing letters and their withdrawals into the outbox, inside the transaction of the flow that causes them.

A letter's rows commit together or not at all, and a withdrawn letter and its cancellation are one statement.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Text, bindparam, false, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from auth_service.db.base import constant, table_of
from auth_service.db.tables import Letter, LetterEvent, OutboxKind, OutboxRow
from auth_service.domain.delivery import WITHDRAWABLE_STATES, DeliveryState
from auth_service.domain.hold import Hold
from auth_service.domain.rank import CANCELLATION_RANK
from auth_service.domain.renewal import Renewal
from auth_service.outbox.message import HEADER_COLUMNS, WAKE_UP_CHANNEL, letter_columns, outbox_columns
from mail_contract.letters import LetterName
from mail_contract.messages import Cancellation, CancellationReason, Envelope
from service_runtime.telemetry import current_correlation_id

_OUTBOX: Final = table_of(OutboxRow)
_LETTERS: Final = table_of(Letter)
_EVENTS: Final = table_of(LetterEvent)
_NOBODY: Final = UUID(int=0)
_RING: Final = func.pg_notify(constant(WAKE_UP_CHANNEL), constant(""), type_=Text())

_OF_LETTER: Final = (
    *HEADER_COLUMNS,
    "registration_id",
    "account_id",
    "receipt_hash",
    "receipt_tells",
    "renewal_of",
    "renewal",
    "state",
)
_OF_ROW: Final = ("kind", "rank", "payload", "correlation_id", "held_for", "held_until")


def _given(column: Column[Any]) -> ColumnElement[Any]:
    """A value by a name that is no column's, or every table of the statement that has such a column would take it."""
    return bindparam(f"new_{column.name}", type_=column.type)


# One statement a letter: whoever registers waits for each round trip.
_NEW_LETTER = insert(_LETTERS).values({name: _given(_LETTERS.c[name]) for name in _OF_LETTER}).cte("letter")
_NEW_EVENT = insert(_EVENTS).inline().values(letter_id=_given(_LETTERS.c.id), state=_given(_LETTERS.c.state))
_RECORD = _NEW_EVENT.add_cte(_NEW_LETTER)
_ENQUEUE = (
    insert(_OUTBOX)
    .values(
        id=_given(_LETTERS.c.id),
        letter_id=_given(_LETTERS.c.id),
        **{name: _given(_OUTBOX.c[name]) for name in _OF_ROW},
    )
    .returning(_RING)
    .add_cte(_NEW_LETTER, _NEW_EVENT.cte("event"))
)


def _withdrawal_of(*letters: ColumnElement[bool]) -> ReturningInsert[tuple[str]]:
    withdrawn = (
        update(_LETTERS)
        .where(
            *letters,
            _LETTERS.c.withdrawn_at.is_(None),
            # Where the relay asked for a fresh letter there is to be none any more.
            or_(_LETTERS.c.state.in_(sorted(WITHDRAWABLE_STATES)), _LETTERS.c.renewal_due),
        )
        .values(withdrawn_at=func.now(), withdrawn_for=bindparam("reason", type_=Text()), renewal_due=false())
        .returning(_LETTERS.c.id)
        .cte("withdrawn")
    )
    cancellations = {
        "id": func.gen_random_uuid(),
        "letter_id": withdrawn.c.id,
        "kind": constant(OutboxKind.CANCELLATION.value),
        "rank": constant(CANCELLATION_RANK),
        "payload": bindparam("cancellation", type_=JSONB()).op("||")(
            func.jsonb_build_object(constant("letter_id"), withdrawn.c.id)
        ),
        "correlation_id": bindparam("correlation", type_=Text()),
    }
    return (
        insert(_OUTBOX)
        .from_select(
            list(cancellations), select(*(value.label(name) for name, value in cancellations.items()))
        )
        .inline()
        .returning(_RING)
    )


_WITHDRAW = _withdrawal_of(_LETTERS.c.registration_id.in_(bindparam("registrations", expanding=True)))
_WITHDRAW_OF_ACCOUNT = _withdrawal_of(
    _LETTERS.c.account_id == bindparam("account"),
    _LETTERS.c.letter.in_(bindparam("names", expanding=True)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a letter comes from.

    Attributes:
        receipt_hash: of the receipt its progress can be looked up with; None for a renewal.
        registration_id: the registration that asked for it; None for a decoy, and for what an account asked for.
        account_id: the account it is about, if there is one.
        receipt_tells: whether that may say more than that the request was accepted.
        renewal: which earlier letter it takes the place of, if any.
    """

    receipt_hash: bytes | None
    registration_id: UUID | None = None
    account_id: UUID | None = None
    receipt_tells: bool = False
    renewal: Renewal | None = None


def enqueue_letter(session: Session, envelope: Envelope, origin: Origin, *, hold: Hold | None = None) -> None:
    """Records a letter as accepted and puts it into the outbox; it leaves only if the session's transaction commits.

    Args:
        session: of the flow.
        envelope: signed and sealed; nothing in it is readable to whoever reads the table.
        origin: where it comes from.
        hold: why and how long it is to wait for an operator's word, if it is.
    """
    row = {
        "kind": OutboxKind.LETTER,
        "held_for": None if hold is None else hold.reason,
        "held_until": None if hold is None else envelope.header.created_at + hold.period,
        **outbox_columns(envelope),
    }
    session.execute(_ENQUEUE, _named(_of_letter(envelope, origin, DeliveryState.ACCEPTED) | row))


def record_limited(session: Session, envelope: Envelope, origin: Origin) -> None:
    """Records a letter that is not to be sent, because too many were asked for or its reader wants none."""
    session.execute(_RECORD, _named(_of_letter(envelope, origin, DeliveryState.LIMITED)))


def withdraw_letters(
    session: Session, registrations: Collection[UUID], reason: CancellationReason, *, at: datetime
) -> None:
    """Withdraws what is still on its way for these registrations, each letter by a cancellation in the outbox.

    Whether it comes in time is for the mailer to say: its report decides what became of the letter.

    Args:
        session: of the flow.
        registrations: whose letters; without any as much is done for nothing, so that it costs the same.
        reason: why.
        at: the database's time.
    """
    session.execute(_WITHDRAW, {"registrations": list(registrations), **_cancelled(reason, at)})


def withdraw_letters_of_account(
    session: Session,
    account_id: UUID,
    letters: Collection[LetterName],
    reason: CancellationReason,
    *,
    at: datetime,
) -> None:
    """Does the same with these letters of an account."""
    session.execute(
        _WITHDRAW_OF_ACCOUNT, {"account": account_id, "names": list(letters), **_cancelled(reason, at)}
    )


def _cancelled(reason: CancellationReason, at: datetime) -> dict[str, Any]:
    cancellation = Cancellation(letter_id=_NOBODY, reason=reason, at=at)
    return {
        "reason": reason,
        "cancellation": cancellation.model_dump(mode="json"),
        "correlation": current_correlation_id(),
    }


def _of_letter(envelope: Envelope, origin: Origin, state: DeliveryState) -> dict[str, Any]:
    renewal = origin.renewal
    return {
        **letter_columns(envelope.header),
        "registration_id": origin.registration_id,
        "account_id": origin.account_id,
        "receipt_hash": origin.receipt_hash,
        "receipt_tells": origin.receipt_tells,
        "renewal_of": renewal.of if renewal else None,
        "renewal": renewal.number if renewal else 0,
        "state": state,
    }


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}

"""Letters asked of the mailer: written with the first step of their life, withdrawn, and read back as a timeline."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Text, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session

from auth_service.domain.delivery import OPEN_STATES, DeliveryState
from auth_service.store.tables import Letter, LetterEvent, table_of
from mail_contract.letters import LetterName
from mail_contract.messages import EnvelopeHeader

_LETTERS = table_of(Letter)
_EVENTS = table_of(LetterEvent)

# 64 bits of the tag: two recipients that share them wait for each other once in a while, nothing worse.
_LOCK = select(
    func.now(),
    func.pg_advisory_xact_lock(func.hashtextextended(bindparam("tag", type_=Text()), literal(0))),
)
_WITHDRAW = (
    update(_LETTERS)
    .where(
        _LETTERS.c.recipient_tag == bindparam("tag"),
        _LETTERS.c.letter.in_(bindparam("names", expanding=True)),
        _LETTERS.c.withdrawn_at.is_(None),
        _LETTERS.c.state.in_(sorted(OPEN_STATES)),
    )
    .values(withdrawn_at=func.now())
    .returning(_LETTERS.c.id)
)
_ADDED = (
    insert(_LETTERS)
    .values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "account_id",
                "letter",
                "letter_class",
                "recipient_tag",
                "receipt_hash",
                "expires_at",
            )
        }
        | {"state": literal(DeliveryState.ACCEPTED.value)}
    )
    .returning(_LETTERS.c.id, _LETTERS.c.state)
    .cte("added")
)
_ADD = insert(_EVENTS).from_select(["letter_id", "state"], select(_ADDED.c.id, _ADDED.c.state)).inline()
# One statement, so that state and timeline are of the same moment; every letter has its first event from birth.
_PROGRESS = (
    select(_LETTERS.c.state.label("now"), _EVENTS.c.at, _EVENTS.c.state, _EVENTS.c.detail)
    .join(_EVENTS, _EVENTS.c.letter_id == _LETTERS.c.id)
    .where(_LETTERS.c.receipt_hash == bindparam("receipt"))
    .order_by(_EVENTS.c.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of a timeline."""

    at: datetime
    state: DeliveryState
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known of a letter: its state now, and how it came there, oldest first."""

    state: DeliveryState
    timeline: Sequence[Step]


def lock_recipient(session: Session, recipient_tag: str) -> datetime:
    """Makes flows that write to one mailbox queue up until the end of the transaction; returns the database's time.

    Also where the mailbox has no account: there is no row to lock, yet the flow must do the same.
    """
    now, _ = session.execute(_LOCK, {"tag": recipient_tag}).one()
    return cast("datetime", now)


def withdraw_open_letters(
    session: Session, recipient_tag: str, names: Collection[LetterName]
) -> Sequence[UUID]:
    """Marks this recipient's letters of these names that are still on their way, decoys too; returns which to cancel."""
    return session.scalars(_WITHDRAW, {"tag": recipient_tag, "names": list(names)}).all()


def add_letter(
    session: Session, header: EnvelopeHeader, *, account_id: UUID | None, receipt_hash: bytes
) -> None:
    """Records a letter as accepted; its outbox row follows in the same transaction."""
    session.execute(
        _ADD,
        {
            "id": header.id,
            "account_id": account_id,
            "letter": header.letter,
            "letter_class": header.letter_class,
            "recipient_tag": header.recipient_tag,
            "receipt_hash": receipt_hash,
            "expires_at": header.expires_at,
        },
    )


def find_progress(session: Session, receipt_hash: bytes) -> Progress | None:
    """Returns what is known of the letter with this receipt, if there is one."""
    steps = session.execute(_PROGRESS, {"receipt": receipt_hash}).all()
    if not steps:
        return None
    return Progress(
        state=DeliveryState(steps[0].now),
        timeline=[Step(at=step.at, state=DeliveryState(step.state), detail=step.detail) for step in steps],
    )

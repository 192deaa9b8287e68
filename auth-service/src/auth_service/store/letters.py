"""Letters asked of the mailer: written with the first step of their life, withdrawn, and read back as a timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Text, bindparam, func, literal, select
from sqlalchemy.orm import Session

from auth_service.domain.delivery import DeliveryState
from auth_service.store.tables import Letter, LetterEvent, table_of

_LETTERS = table_of(Letter)
_EVENTS = table_of(LetterEvent)

# 64 bits of the tag: two recipients that share them wait for each other once in a while, nothing worse.
_LOCK = select(
    func.now(),
    func.pg_advisory_xact_lock(func.hashtextextended(bindparam("tag", type_=Text()), literal(0))),
)
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


def find_progress(session: Session, receipt_hash: bytes) -> Progress | None:
    """Returns what is known of the letter with this receipt, if there is one."""
    steps = session.execute(_PROGRESS, {"receipt": receipt_hash}).all()
    if not steps:
        return None
    return Progress(
        state=DeliveryState(steps[0].now),
        timeline=[Step(at=step.at, state=DeliveryState(step.state), detail=step.detail) for step in steps],
    )

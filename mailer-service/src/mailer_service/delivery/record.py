"""What became of a letter, by the ledger: after an attempt, or without one where its end is known already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from mailer_service.delivery.claim import Standing
from mailer_service.delivery.outcome import (
    Cancelled,
    Dead,
    Discarded,
    Expired,
    Held,
    Outcome,
    Sent,
    Suppressed,
    Unconfirmed,
)
from mailer_service.store.tables import LetterState


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a letter, by the ledger.

    Attributes:
        outcome: what to do with its message now.
        attempt: how many attempts there were.
        reply: the server's last words, redacted.
        first_seen: when the letter first arrived.
        at: when this was decided, by the database.
    """

    outcome: Outcome
    attempt: int
    reply: str | None
    first_seen: datetime
    at: datetime


def recalled(standing: Standing) -> Delivery:
    """Returns what became of a letter that could not be claimed."""
    return Delivery(
        outcome=_outcome_of(standing),
        attempt=standing.attempts,
        reply=standing.reply,
        first_seen=standing.first_seen,
        at=standing.at,
    )


def _outcome_of(standing: Standing) -> Outcome:
    state = standing.state
    outcome: Outcome
    match state:
        case LetterState.ACCEPTED:
            outcome = Sent()
        case LetterState.DISCARDED:
            outcome = Discarded()
        case LetterState.DEAD:
            outcome = Dead(reason=standing.reason or "unknown")
        case LetterState.UNCONFIRMED:
            outcome = Unconfirmed(reason=standing.reason or "unknown")
        case LetterState.EXPIRED:
            outcome = Expired()
        case LetterState.CANCELLED:
            outcome = Cancelled()
        case LetterState.SUPPRESSED:
            outcome = Suppressed()
        case LetterState.CLAIMED | LetterState.TRANSMITTING | LetterState.WAITING:
            outcome = Held()
        case _:
            assert_never(state)
    return outcome

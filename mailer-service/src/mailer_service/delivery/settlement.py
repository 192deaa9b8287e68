"""What is written into the ledger when an attempt is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from mailer_service.delivery.outcome import (
    Ambiguous,
    Cancelled,
    Dead,
    Discarded,
    Expired,
    Held,
    Outcome,
    Sent,
    TryLater,
)
from mailer_service.store.tables import LetterState


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """An attempt in the ledger's terms.

    Attributes:
        state: of the letter from now on.
        outcome: name of the attempt's outcome.
        reason: its token.
        ambiguous: whether this attempt may have sent the final dot without reading the reply.
        phase: how far the conversation with the server came.
        reply: the server's last words, redacted.
        duration_ms: from claim to outcome.
        provider: which server.
    """

    state: LetterState
    outcome: str
    reason: str | None
    ambiguous: bool = False
    phase: str | None = None
    reply: str | None = None
    duration_ms: int = 0
    provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The letter's state after the attempt was recorded, and when that was by the database."""

    state: LetterState
    at: datetime


def state_after(outcome: Outcome) -> LetterState:
    """Returns the letter's state after an attempt with this outcome."""
    match outcome:
        case Sent():
            return LetterState.ACCEPTED
        case Discarded():
            return LetterState.DISCARDED
        case TryLater() | Ambiguous() | Held():
            return LetterState.WAITING
        case Dead():
            return LetterState.DEAD
        case Expired():
            return LetterState.EXPIRED
        case Cancelled():
            return LetterState.CANCELLED
    assert_never(outcome)


def reason_of(outcome: Outcome) -> str | None:
    """Returns the outcome's token, None where its type says everything."""
    match outcome:
        case TryLater(reason=reason) | Ambiguous(reason=reason) | Dead(reason=reason):
            return reason
        case Expired():
            return "expired"
        case Sent() | Discarded() | Cancelled() | Held():
            return None
    assert_never(outcome)

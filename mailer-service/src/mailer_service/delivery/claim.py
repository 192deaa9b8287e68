"""What the ledger is asked for and what it answers: a claim, or where the letter stands; and outcomes in its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from mail_contract.messages import EnvelopeHeader
from mailer_service.db.tables import LetterState
from mailer_service.delivery.outcome import (
    Ambiguous,
    Cancelled,
    Dead,
    Discarded,
    Expired,
    Held,
    Outcome,
    Pause,
    Sent,
    Suppressed,
    TryLater,
    Unconfirmed,
)
from mailer_service.suppression.recipient_hashes import RecipientHashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to make one attempt at a letter until the lease is over.

    Attributes:
        letter_id: whose.
        fence: the number every later write of this attempt carries.
        attempt: which attempt of the letter this is, from 1.
        ambiguities: how often the final dot may have been sent by earlier attempts.
        refusals: how often each kind of refusal was heard that is borne only so often.
        first_seen: when the letter first arrived here.
        claimed_at: now, by the database.
        remaining: until the letter expires, by the database.
        provider: the only one that may be asked, because of what an earlier attempt came to there; None if free.
        begun_with: the provider that the letter may be with from now on; None if no transmission has begun yet.
    """

    letter_id: UUID
    fence: int
    attempt: int
    ambiguities: int
    first_seen: datetime
    claimed_at: datetime
    remaining: timedelta
    provider: str | None = None
    begun_with: str | None = None
    refusals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterStatus:
    """Where a letter stands that could not be claimed.

    Attributes:
        state: its state.
        attempts: how many there were.
        reason: token of its last outcome.
        reply: the server's last words, redacted.
        first_seen: when it first arrived here.
        at: now, by the database.
    """

    state: LetterState
    attempts: int
    reason: str | None
    reply: str | None
    first_seen: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The letter's state after the attempt was recorded, and when that was by the database."""

    state: LetterState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A letter somebody would like to claim.

    Attributes:
        header: of its envelope, verified.
        digest: of the envelope's signature.
        hashes: of its recipient, to look for suppressions; None if the address is none.
        provider: whom it will be given to at once, if it is bound to nobody; None if it may not be begun yet.
    """

    header: EnvelopeHeader
    digest: bytes
    hashes: RecipientHashes | None
    provider: str | None


def outcome_of(status: LetterStatus) -> Outcome:
    """Returns what is known to have become of a letter that could not be claimed."""
    state = status.state
    outcome: Outcome
    match state:
        case LetterState.ACCEPTED:
            outcome = Sent()
        case LetterState.DISCARDED:
            outcome = Discarded()
        case LetterState.DEAD:
            outcome = Dead(reason=status.reason or "unknown")
        case LetterState.UNCONFIRMED:
            outcome = Unconfirmed(reason=status.reason or "unknown")
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


def state_after(outcome: Outcome) -> LetterState:
    """Returns the letter's state after an attempt with this outcome."""
    match outcome:
        case Sent():
            state = LetterState.ACCEPTED
        case Discarded():
            state = LetterState.DISCARDED
        case TryLater() | Ambiguous() | Pause() | Held():
            state = LetterState.WAITING
        case Dead():
            state = LetterState.DEAD
        case Unconfirmed():
            state = LetterState.UNCONFIRMED
        case Expired():
            state = LetterState.EXPIRED
        case Cancelled():
            state = LetterState.CANCELLED
        case Suppressed():
            state = LetterState.SUPPRESSED
        case _:
            assert_never(outcome)
    return state


def reason_of(outcome: Outcome) -> str | None:
    """Returns the outcome's token, None where its type says everything."""
    match outcome:
        case (
            TryLater(reason=reason)
            | Ambiguous(reason=reason)
            | Unconfirmed(reason=reason)
            | Dead(reason=reason)
            | Pause(reason=reason)
        ):
            return reason
        case Expired():
            return "expired"
        case Sent() | Discarded() | Cancelled() | Suppressed() | Held():
            return None
    assert_never(outcome)

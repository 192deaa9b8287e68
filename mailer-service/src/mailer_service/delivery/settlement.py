"""What is written into the ledger when an attempt is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from mailer_service.db.tables import LetterState
from mailer_service.delivery.attempt import Attempt, Transmission
from mailer_service.delivery.claim import Claim
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
    Verdict,
    without_another,
)
from mailer_service.suppression.recipient_hashes import RecipientHashes
from mailer_service.suppression.store import NewSuppression


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """An attempt in the ledger's terms.

    Attributes:
        state: of the letter from now on.
        outcome: name of the attempt's outcome.
        reason: its token.
        ambiguous: whether this attempt may have sent the final dot without reading the reply.
        refused: the kind of refusal to count, if it is borne only so often.
        phase: how far the conversation with the server came.
        reply: the server's last words, redacted.
        duration_ms: from claim to outcome.
        provider: which server.
        counts: whether it was one of the letter's attempts; else the ledger gives the attempt back.
        bound_to: the only provider that may be asked next; None leaves the choice free.
        delay: for how long the letter cannot be claimed; None leaves that to the queue it waits in.
        earlier: what the same attempt came to before, with other providers; each is a row of its own.
        suppression: what the answer says of the letters that would follow.
    """

    state: LetterState
    outcome: str
    reason: str | None
    ambiguous: bool = False
    refused: str | None = None
    phase: str | None = None
    reply: str | None = None
    duration_ms: int = 0
    provider: str | None = None
    counts: bool = True
    bound_to: str | None = None
    delay: timedelta | None = None
    earlier: tuple[Transmission, ...] = ()
    suppression: NewSuppression | None = None

    @property
    def noted(self) -> bool:
        """Whether the attempt is a fact worth a row: not where nobody was asked and nothing was decided."""
        return self.counts or self.phase is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The letter's state after the attempt was recorded, and when that was by the database."""

    state: LetterState
    at: datetime


def settlement_of(attempt: Attempt, claim: Claim, outcome: Outcome, *, duration_ms: int) -> Settlement:
    """Returns what the ledger is to record of an attempt.

    Args:
        attempt: whose transmissions are recorded, each with a row of its own.
        claim: the attempt's.
        outcome: what it came to.
        duration_ms: milliseconds from the claim to the outcome.
    """
    state, reason, counts = state_after(outcome), reason_of(outcome), not isinstance(outcome, Pause)
    if not attempt.transmissions:
        return Settlement(
            state=state,
            outcome=outcome.name,
            reason=reason,
            counts=counts,
            bound_to=claim.provider,
            duration_ms=duration_ms,
        )
    *earlier, last = attempt.transmissions
    ambiguous = isinstance(last.verdict, Ambiguous)
    if ambiguous or (isinstance(outcome, TryLater) and outcome.same_provider):
        bound_to: str | None = last.provider
    else:
        # Whoever may have the letter already is the only one who may be given it again.
        bound_to = claim.provider if claim.ambiguities or not counts else None
    return Settlement(
        state=state,
        outcome=outcome.name,
        reason=reason,
        ambiguous=ambiguous,
        refused=kind_of(without_another(last.verdict)),
        phase=last.phase,
        reply=last.reply,
        duration_ms=max(0, duration_ms - sum(one.duration_ms for one in earlier)),
        provider=last.provider,
        counts=counts,
        bound_to=bound_to,
        # A copy of the message, as a broker gives it again after a restart, must not send it again at once.
        delay=outcome.after if isinstance(outcome, Ambiguous) else None,
        earlier=tuple(earlier),
        suppression=_suppression_of(outcome, attempt.hashes),
    )


def kind_of(verdict: Verdict) -> str | None:
    """Returns under which kind a refusal is counted; None where it is not."""
    return verdict.tries.kind if isinstance(verdict, TryLater) and verdict.tries else None


def _suppression_of(outcome: Outcome, hashes: RecipientHashes | None) -> NewSuppression | None:
    if hashes is None or not isinstance(outcome, Dead | Unconfirmed) or outcome.suppress is None:
        return None
    suppress = outcome.suppress
    return NewSuppression(
        key=hashes.of(suppress.scope),
        scope=suppress.scope,
        reason=outcome.reason,
        lifetime=suppress.lifetime,
        needed=suppress.after,
    )


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

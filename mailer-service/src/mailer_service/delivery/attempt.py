"""One attempt at one letter: a single record, filled in from the message to what became of the letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from typing import Self, assert_never

from mail_contract.messages import EnvelopeHeader
from mailer_service.db.tables import LetterState
from mailer_service.delivery.claim import Claim, LetterStatus
from mailer_service.delivery.outcome import (
    Cancelled,
    Concern,
    Dead,
    Discarded,
    Expired,
    Held,
    Outcome,
    Sent,
    Suppressed,
    Unconfirmed,
    Verdict,
)
from mailer_service.suppression.recipient_hashes import RecipientHashes


class Phase(StrEnum):
    """How far the SMTP session had come (RFC 5321); `dot` begins once the final dot has left."""

    CONNECT = auto()
    TLS = auto()
    EHLO = auto()
    AUTH = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """What one try to hand over a letter came to.

    Attributes:
        verdict: what it means.
        phase: how far it came; None if no server was asked.
        reply: the server's last words without anything personal; None if there were none.
        provider: which server, `host:port`; empty if none was asked.
        concern: who should be treated with care from now on.
        alarm: whether a person should look.
        duration_ms: how long it took, in milliseconds.
    """

    verdict: Verdict
    phase: Phase | None
    reply: str | None
    provider: str
    concern: Concern = Concern.NONE
    alarm: bool = False
    duration_ms: int = 0


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt at one letter, filled in by `worker.pipeline` as it goes on; also one that ended with the claim refused.

    Attributes:
        header: of the envelope, verified.
        hashes: keyed hashes of the recipient and its domain; None if the address cannot be written in a letter.
        claim: the right to make the attempt; None where the ledger gave none, for the letter's end is known or somebody
            else has it.
        deadline: seconds of `time.monotonic`; no final dot leaves after it.
        number: how many attempts there were, this one included if it counts.
        first_seen: when the letter first arrived, by the database.
        decided_at: when the outcome was recorded, by the database.
        outcome: what became of the letter; held as long as nothing is decided.
        transmissions: what the providers said that were asked, in order; all but the last did certainly not accept it.
        reply: the server's last words, redacted.
    """

    header: EnvelopeHeader
    hashes: RecipientHashes | None
    claim: Claim | None
    deadline: float
    number: int
    first_seen: datetime
    decided_at: datetime
    outcome: Outcome = field(default_factory=Held)
    transmissions: list[Transmission] = field(default_factory=list)
    reply: str | None = None

    @classmethod
    def claimed(
        cls, header: EnvelopeHeader, hashes: RecipientHashes | None, claim: Claim, *, deadline: float
    ) -> Self:
        """Begins with the ledger's claim."""
        return cls(
            header=header,
            hashes=hashes,
            claim=claim,
            deadline=deadline,
            number=claim.attempt,
            first_seen=claim.first_seen,
            decided_at=claim.claimed_at,
        )

    @classmethod
    def recalled(cls, header: EnvelopeHeader, status: LetterStatus) -> Self:
        """Takes what the ledger knows of a letter that could not be claimed."""
        return cls(
            header=header,
            hashes=None,
            claim=None,
            deadline=0.0,
            number=status.attempts,
            first_seen=status.first_seen,
            decided_at=status.at,
            outcome=_outcome_of(status),
            reply=status.reply,
        )


def _outcome_of(status: LetterStatus) -> Outcome:
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

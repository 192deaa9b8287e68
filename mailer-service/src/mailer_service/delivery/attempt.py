"""One attempt at one letter: a single record, filled in from the message to what became of the letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from typing import Self

from mail_contract.messages import EnvelopeHeader
from mailer_service.delivery.claim import Claim, LetterStatus, outcome_of
from mailer_service.delivery.outcome import (
    Ambiguous,
    Concern,
    Dead,
    Held,
    Outcome,
    Pause,
    TryLater,
    Unconfirmed,
    Verdict,
)
from mailer_service.suppression.recipient_hashes import RecipientHashes
from mailer_service.suppression.store import NewSuppression


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
        duration_ms: milliseconds from the claim to the outcome.
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
    duration_ms: int = 0
    reply: str | None = None

    @property
    def last(self) -> Transmission | None:
        """What the provider said that was asked last; None if none was."""
        return self.transmissions[-1] if self.transmissions else None

    @property
    def counts(self) -> bool:
        """Whether it was one of the letter's attempts; else the ledger gives it back."""
        return not isinstance(self.outcome, Pause)

    @property
    def bound_to(self) -> str | None:
        """The only provider that may be asked next; None leaves the choice free."""
        last, claim, outcome = self.last, self.claim, self.outcome
        if last is not None and (
            isinstance(last.verdict, Ambiguous) or (isinstance(outcome, TryLater) and outcome.same_provider)
        ):
            return last.provider
        # Whoever may have the letter already is the only one who may be given it again.
        stays = last is None or not self.counts or (claim is not None and claim.ambiguities > 0)
        return claim.provider if claim is not None and stays else None

    @property
    def suppression(self) -> NewSuppression | None:
        """What the answer says of the letters that would follow."""
        outcome = self.outcome
        if self.hashes is None or not isinstance(outcome, Dead | Unconfirmed) or outcome.suppress is None:
            return None
        suppress = outcome.suppress
        return NewSuppression(
            key=self.hashes.of(suppress.scope),
            scope=suppress.scope,
            reason=outcome.reason,
            lifetime=suppress.lifetime,
            needed=suppress.after,
        )

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
    def recalled(cls, header: EnvelopeHeader, hashes: RecipientHashes | None, status: LetterStatus) -> Self:
        """Takes what the ledger knows of a letter that could not be claimed."""
        return cls(
            header=header,
            hashes=hashes,
            claim=None,
            deadline=0.0,
            number=status.attempts,
            first_seen=status.first_seen,
            decided_at=status.at,
            outcome=outcome_of(status),
            reply=status.reply,
        )

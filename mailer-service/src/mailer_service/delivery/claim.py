"""What the ledger is asked for, and what it answers: a claim, or where the letter stands without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from mail_contract.messages import EnvelopeHeader
from mailer_service.db.tables import LetterState
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
class Holder:
    """Whoever claims.

    Attributes:
        replica: its name.
        key: of its sign of life; None if it has none.
        lease: how long its claims last.
    """

    replica: str
    key: int | None
    lease: timedelta


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

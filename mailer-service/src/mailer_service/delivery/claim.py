"""What the ledger answers: a claim, or where the letter stands without one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from mailer_service.store.tables import LetterState


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to make one attempt at a letter until the lease is over.

    Attributes:
        letter_id: whose.
        fence: the number every later write of this attempt carries.
        attempt: which attempt of the letter this is, from 1.
        ambiguities: how often the final dot may have been sent by earlier attempts.
        first_seen: when the letter first arrived here.
        claimed_at: now, by the database.
        remaining: until the letter expires, by the database.
    """

    letter_id: UUID
    fence: int
    attempt: int
    ambiguities: int
    first_seen: datetime
    claimed_at: datetime
    remaining: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
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

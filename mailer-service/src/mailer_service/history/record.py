"""A letter's life as the ledger wrote it down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """One attempt with one provider; the attributes are those of `AttemptRow`."""

    number: int
    started_at: datetime
    outcome: str
    reason: str | None
    phase: str | None
    reply: str | None
    duration_ms: int
    provider: str | None
    replica: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIntervention:
    """What a person did; the attributes are those of `InterventionRow`."""

    kind: str
    at: datetime
    reason: str | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRecord:
    """One letter; the attributes are those of `LetterRow`, and its rows elsewhere in the order they were written."""

    id: UUID
    letter: str | None
    letter_class: str | None
    recipient_tag: str | None
    expires_at: datetime | None
    state: str
    holder: str | None
    lease_until: datetime | None
    attempts: int
    ambiguous: bool
    cancellation: str | None
    last_reason: str | None
    last_reply: str | None
    first_seen_at: datetime
    updated_at: datetime
    past_attempts: tuple[PastAttempt, ...]
    past_interventions: tuple[PastIntervention, ...]

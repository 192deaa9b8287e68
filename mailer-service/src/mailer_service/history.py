"""A letter's life as the ledger wrote it down, read for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from mailer_service.db.tables import IN_HAND, LetterState
from mailer_service.errors import LedgerUnavailable
from service_runtime.database.engine import translated

_LETTERS = text(
    """
    SELECT id, letter, letter_class, expires_at, state, holder, lease_until, attempts, ambiguous,
           cancellation, last_reason, last_reply, first_seen_at, updated_at
    FROM letters WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)

_ATTEMPTS = text(
    """
    SELECT letter_id, number, started_at, outcome, reason, phase, reply, duration_ms, provider, replica
    FROM attempts WHERE letter_id = ANY(CAST(:ids AS uuid[])) ORDER BY letter_id, fence, part
    """
)

_INTERVENTIONS = text(
    """
    SELECT letter_id, kind, at, reason, actor
    FROM interventions WHERE letter_id = ANY(CAST(:ids AS uuid[])) ORDER BY letter_id, at
    """
)


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


class Archive:
    """A reader of the ledger; writes nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, letter_ids: Iterable[UUID]) -> Mapping[UUID, LetterRecord]:
        """Returns what is known of these letters; those the ledger does not know are missing.

        Raises:
            LedgerUnavailable: the database does not answer.
        """
        ids = {"ids": [str(letter_id) for letter_id in letter_ids]}
        if not ids["ids"]:
            return {}
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            letters = connection.execute(_LETTERS, ids).mappings().all()
            attempts = connection.execute(_ATTEMPTS, ids).mappings().all()
            interventions = connection.execute(_INTERVENTIONS, ids).mappings().all()
        tried, done = _by_letter(attempts), _by_letter(interventions)
        return {
            row["id"]: LetterRecord(
                **row,
                past_attempts=tuple(PastAttempt(**fields) for fields in tried[row["id"]]),
                past_interventions=tuple(PastIntervention(**fields) for fields in done[row["id"]]),
            )
            for row in letters
        }


def _by_letter(rows: Iterable[Mapping[Any, Any]]) -> Mapping[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        fields = dict(row)
        found[fields.pop("letter_id")].append(fields)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a letter.

    Attributes:
        at: when, by the database.
        name: a short token: `first_seen`, `attempt`, `redriven`, `dropped`, or the state it is in now.
        details: what is known of it, by name; never an address or a secret.
    """

    at: datetime
    name: str
    details: Mapping[str, str | int]


def timeline(record: LetterRecord) -> list[Event]:
    """Returns all that the ledger knows of a letter, the oldest first, its present state last."""
    past = sorted([_arrival(record), *_attempts(record), *_interventions(record)], key=lambda event: event.at)
    return [*past, _present(record)]


def _arrival(record: LetterRecord) -> Event:
    return Event(
        at=record.first_seen_at,
        name="first_seen",
        details=_known(
            letter=record.letter,
            letter_class=record.letter_class,
            expires_at=record.expires_at.isoformat(timespec="seconds") if record.expires_at else None,
            withdrawn_before_it_arrived=None if record.letter else record.cancellation,
        ),
    )


def _attempts(record: LetterRecord) -> Iterator[Event]:
    for attempt in record.past_attempts:
        yield Event(at=attempt.started_at, name="attempt", details=_of_attempt(attempt))


def _of_attempt(attempt: PastAttempt) -> Mapping[str, str | int]:
    return _known(
        attempt=attempt.number,
        outcome=attempt.outcome,
        reason=attempt.reason,
        phase=attempt.phase,
        reply=attempt.reply,
        duration_ms=attempt.duration_ms,
        provider=attempt.provider,
        replica=attempt.replica,
    )


def _interventions(record: LetterRecord) -> Iterator[Event]:
    for intervention in record.past_interventions:
        yield Event(
            at=intervention.at,
            name=intervention.kind,
            details=_known(died_of=intervention.reason, by=intervention.actor),
        )


def _present(record: LetterRecord) -> Event:
    in_hand = record.state in IN_HAND
    return Event(
        at=record.updated_at,
        name=record.state,
        details=_known(
            attempts=record.attempts,
            reason=record.last_reason,
            reply=record.last_reply if record.state in {LetterState.DEAD, LetterState.UNCONFIRMED} else None,
            cancellation=record.cancellation,
            perhaps_delivered="yes" if record.ambiguous and record.state != LetterState.ACCEPTED else None,
            perhaps_twice="yes" if record.ambiguous and record.state == LetterState.ACCEPTED else None,
            in_hand_of=record.holder if in_hand else None,
            until=record.lease_until.isoformat(timespec="seconds")
            if in_hand and record.lease_until
            else None,
        ),
    )


def _known(**details: str | int | None) -> Mapping[str, str | int]:
    return {name: value for name, value in details.items() if value is not None}

"""A letter's life in one line of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer_service.history.record import LetterRecord, PastAttempt
from mailer_service.store.tables import IN_HAND, LetterState


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
            recipient_tag=record.recipient_tag,
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

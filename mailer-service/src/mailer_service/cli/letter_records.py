"""A letter's life for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mailer_service.cli.text import harmless, iso, stamp
from mailer_service.history import Event, LetterRecord, timeline

_PRESENT = {
    "claimed": "an attempt has it in hand",
    "transmitting": "an attempt has it in hand and may have sent it",
    "waiting": "waits for its next attempt",
    "accepted": "a mail server took it",
    "discarded": "a decoy, not sent",
    "dead": "not sent unless a person acts",
    "unconfirmed": "a mail server may have it",
    "expired": "not sent, too late",
    "suppressed": "not sent: nobody would read it there",
    "cancelled": "withdrawn before it was accepted",
}


def record_data(record: LetterRecord) -> dict[str, Any]:
    """Returns what the ledger knows of a letter."""
    return {
        "id": str(record.id),
        "letter": record.letter,
        "class": record.letter_class,
        "state": record.state,
        "reason": record.last_reason,
        "attempts": record.attempts,
        "ambiguous": record.ambiguous,
        "expires_at": iso(record.expires_at),
        "timeline": [
            {"at": iso(event.at), "event": event.name, **event.details} for event in timeline(record)
        ],
    }


def record_text(record: LetterRecord) -> Iterator[str]:
    """Yields a line an event, the present state last."""
    *past, present = timeline(record)
    for event in past:
        yield f"{stamp(event.at)}  {_words(event)}"
    meaning = _PRESENT.get(present.name, "")
    yield f"{stamp(present.at)}  now {present.name}: {meaning}{_trailer(present.details)}"


def _words(event: Event) -> str:
    details = dict(event.details)
    match event.name:
        case "first_seen":
            return f"first seen{_trailer(details)}"
        case "attempt":
            number, outcome = details.pop("attempt"), details.pop("outcome")
            phase = details.pop("phase", None)
            reply = details.pop("reply", None)
            duration = details.pop("duration_ms")
            said = f' "{harmless(str(reply))}"' if reply else ""
            where = f" at {phase}" if phase else ""
            return f"attempt {number}: {outcome}{where}{said} after {duration} ms{_trailer(details)}"
        case _:
            return f"{event.name}{_trailer(details)}"


def _trailer(details: Mapping[str, str | int]) -> str:
    words = [f"{name.replace('_', ' ')} {harmless(str(value))}" for name, value in details.items()]
    return f"  ({', '.join(words)})" if words else ""

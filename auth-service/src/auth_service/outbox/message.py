"""③ A message of the outbox: what its rows take from an envelope, and as its relay holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from auth_service.db.tables import OutboxKind
from auth_service.domain.rank import LETTER_RANKS
from mail_contract.messages import Envelope, EnvelopeHeader
from service_runtime.telemetry import current_correlation_id

WAKE_UP_CHANNEL: Final = "outbox"
"""The channel of LISTEN and NOTIFY on which relays are woken. Only a wake-up: polling is the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMessage:
    """One outbox row while a relay holds it.

    Attributes:
        id: of the row and of the message on the broker; the same however often it is published.
        letter_id: the letter it is or is about.
        kind: what to publish.
        payload: the wire form of the message.
        attempts: how often publishing failed so far.
        correlation_id: of the request that wrote it.
        pending: for a letter, whether it still waits for the broker. If not, it was published before by a relay that died
            without settling: a report of the mailer has overtaken it.
        expired: for a letter, whether its time is over by the database's clock.
    """

    id: UUID
    letter_id: UUID
    kind: OutboxKind
    payload: Mapping[str, Any]
    attempts: int
    correlation_id: str | None
    pending: bool
    expired: bool


HEADER_COLUMNS: Final = ("id", "letter", "letter_class", "recipient_tag", "expires_at")
"""Columns of a letter that are named as in its envelope's header."""


def letter_columns(header: EnvelopeHeader) -> dict[str, Any]:
    """Returns the values of `HEADER_COLUMNS`."""
    return {name: getattr(header, name) for name in HEADER_COLUMNS}


def outbox_columns(envelope: Envelope) -> dict[str, Any]:
    """Returns what the outbox row of a letter says beside whose it is."""
    return {
        "rank": LETTER_RANKS[envelope.header.letter_class],
        "payload": envelope.model_dump(mode="json"),
        "correlation_id": current_correlation_id(),
    }

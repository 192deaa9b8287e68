"""③ A message of the outbox as its relay holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from auth_service.store.tables import OutboxKind

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

"""③ What the rows of a letter take from its envelope."""

from __future__ import annotations

from typing import Any, Final

from auth_service.domain.rank import LETTER_RANKS
from mail_contract.messages import Envelope, EnvelopeHeader
from service_runtime.telemetry import current_correlation_id

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

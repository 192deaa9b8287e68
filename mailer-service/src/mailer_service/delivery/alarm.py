"""What a person should look at, said once an attempt in the log."""

from __future__ import annotations

from uuid import UUID

import structlog

from mailer_service.delivery.outcome import Sent
from mailer_service.delivery.transport import Transmission

log = structlog.get_logger(__name__)


def raise_alarm(letter_id: UUID, transmission: Transmission) -> None:
    """Logs an answer that time alone does not mend: our account, our certificate, our own letters."""
    verdict = transmission.verdict
    log.error(
        "delivery_alarm",
        letter_id=str(letter_id),
        provider=transmission.provider,
        phase=transmission.phase,
        outcome=verdict.name,
        reason=None if isinstance(verdict, Sent) else verdict.reason,
        concern=transmission.concern,
        reply=transmission.reply,
    )

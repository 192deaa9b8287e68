"""③ Ending letters that nobody confirmed by their expiry: a queue purged, its disk gone, or mailers that do not consume.

The mailer reports every letter it ever sees, at the latest when it comes to it after its expiry. One of which nothing final
is known long after that is lost, or still on a queue that nobody serves; either way nobody would act on it any more. The
mailer's database is not asked: it is another service's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from auth_service.db.tables import OutboxKind
from auth_service.domain.delivery import OPEN_STATES, DeliveryState
from auth_service.domain.rank import CANCELLATION_RANK
from auth_service.domain.renewal import MAX_RENEWALS, RENEWABLE_LETTERS
from mail_contract.messages import CancellationReason
from mail_contract.topology import WaitTier

log = structlog.get_logger(__name__)

GRACE: Final = max(tier.delay for tier in WaitTier) + timedelta(minutes=15)
"""A letter that expires while it waits comes back only then, and its report has a way to go."""

LOST: Final = "not_confirmed"
"""The detail of the last step in such a letter's timeline."""

_END: Final[TextClause] = text("""
    WITH lost AS (
        SELECT id FROM letters
        WHERE state = ANY(:open) AND expires_at <= now() - CAST(:grace AS interval)
          AND NOT EXISTS (SELECT FROM outbox WHERE outbox.letter_id = letters.id)
        LIMIT :limit
        FOR NO KEY UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE letters SET
            state       = CASE WHEN withdrawn_at IS NULL THEN :expired ELSE :superseded END,
            renewal_due = withdrawn_at IS NULL AND letter = ANY(:renewable) AND renewal < :renewals
        FROM lost WHERE letters.id = lost.id
        RETURNING letters.id, letters.state
    ), told AS (
        INSERT INTO letter_events (letter_id, state, detail) SELECT id, state, :detail FROM ended
    )
    INSERT INTO outbox (id, letter_id, kind, rank, payload)
    SELECT gen_random_uuid(), id, :kind, :rank,
           jsonb_build_object('version', 1, 'letter_id', id, 'reason', CAST(:reason AS text), 'at', now())
    FROM ended
    RETURNING letter_id
""")


def end_lost_letters(session: Session, *, limit: int) -> int:
    """Ends letters of which nothing final was heard long after their expiry, at most `limit`; returns how many.

    Each becomes `expired`, and a fresh one is due if its request may have one; a withdrawn one becomes `superseded`. The
    mailer is told to forget it, so that the ledger ends too, and an old message that turns up again sends nothing. A late
    report finds the letter ended and changes nothing.
    """
    lost = session.scalars(
        _END,
        {
            "open": sorted(OPEN_STATES),
            "grace": GRACE,
            "limit": limit,
            "expired": DeliveryState.EXPIRED.value,
            "superseded": DeliveryState.SUPERSEDED.value,
            "renewable": [name.value for name in RENEWABLE_LETTERS],
            "renewals": MAX_RENEWALS,
            "detail": LOST,
            "kind": OutboxKind.CANCELLATION.value,
            "rank": CANCELLATION_RANK,
            "reason": CancellationReason.SUPERSEDED.value,
        },
    ).all()
    if lost:
        log.error("letters_not_confirmed", letters=len(lost), first=str(lost[0]))
    return len(lost)

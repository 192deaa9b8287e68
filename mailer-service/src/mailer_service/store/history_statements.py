"""What the ledger has of letters' lives, read for people."""

from __future__ import annotations

from sqlalchemy import text

LETTERS = text(
    """
    SELECT id, letter, letter_class, recipient_tag, expires_at, state, holder, lease_until, attempts, ambiguous,
           cancellation, last_reason, last_reply, first_seen_at, updated_at
    FROM letters WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)

ATTEMPTS = text(
    """
    SELECT letter_id, number, started_at, outcome, reason, phase, reply, duration_ms, provider, replica
    FROM attempts WHERE letter_id = ANY(CAST(:ids AS uuid[])) ORDER BY letter_id, fence, part
    """
)

INTERVENTIONS = text(
    """
    SELECT letter_id, kind, at, reason, actor
    FROM interventions WHERE letter_id = ANY(CAST(:ids AS uuid[])) ORDER BY letter_id, at
    """
)

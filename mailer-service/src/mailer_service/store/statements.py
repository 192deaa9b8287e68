"""The ledger's statements. Each is one step that either happens whole or not at all; each is guarded by what it expects."""

from __future__ import annotations

from sqlalchemy import text

CLAIM = text(
    """
    INSERT INTO letters AS known
           (id, letter, letter_class, recipient_tag, envelope_digest, expires_at,
            state, holder, holder_key, lease_until, fence, attempts)
    SELECT CAST(:id AS uuid), :letter, :letter_class, :recipient_tag, :envelope_digest, :expires_at,
           CASE WHEN live THEN 'claimed' ELSE 'expired' END,
           CASE WHEN live THEN :holder END,
           CASE WHEN live THEN CAST(:holder_key AS bigint) END,
           CASE WHEN live THEN now() + :lease END,
           1, CAST(live AS integer)
    FROM (SELECT :expires_at > now() AS live) AS clock
    ON CONFLICT (id) DO UPDATE SET
        state        = CASE WHEN known.cancellation IS NULL THEN excluded.state ELSE 'cancelled' END,
        holder       = CASE WHEN known.cancellation IS NULL THEN excluded.holder END,
        holder_key   = CASE WHEN known.cancellation IS NULL THEN excluded.holder_key END,
        lease_until  = CASE WHEN known.cancellation IS NULL THEN excluded.lease_until END,
        attempts     = known.attempts + CASE WHEN known.cancellation IS NULL THEN excluded.attempts ELSE 0 END,
        ambiguities  = known.ambiguities + CAST(known.state = 'transmitting' AS integer),
        claimed_from = known.state,
        fence        = known.fence + 1,
        updated_at   = now()
    WHERE known.envelope_digest = excluded.envelope_digest
      AND CASE
              WHEN known.state = 'waiting' THEN true
              WHEN known.state NOT IN ('claimed', 'transmitting') THEN false
              WHEN known.lease_until <= now() THEN true
              ELSE pg_try_advisory_xact_lock(known.holder_key)
          END
    RETURNING state, fence, attempts, ambiguities, claimed_from, first_seen_at, holder,
              now() AS at, expires_at - now() AS remaining
    """
)
"""Takes a letter in hand, if it is free: new, waiting, or left by a holder whose lease is over or whose lock is gone."""

ABANDONED = text(
    """
    INSERT INTO attempts (letter_id, number, started_at, outcome, reason, duration_ms, replica)
    VALUES (CAST(:id AS uuid), :number, now(), 'abandoned', :claimed_from, 0, 'unknown')
    ON CONFLICT DO NOTHING
    """
)
"""Notes that an attempt ended without a word, because its replica died or froze."""

STANDING = text(
    """
    SELECT state, envelope_digest, attempts, last_reason, last_reply, first_seen_at, now() AS at
    FROM letters WHERE id = CAST(:id AS uuid)
    """
)

BEGIN_TRANSMISSION = text(
    """
    UPDATE letters SET state = 'transmitting', updated_at = now()
    WHERE id = CAST(:id AS uuid) AND fence = :fence AND state IN ('claimed', 'transmitting')
      AND lease_until > now() AND cancellation IS NULL
    RETURNING id
    """
)
"""The last question before a server is spoken to: is the letter still mine, and still wanted?"""

SETTLE = text(
    """
    WITH settled AS (
        UPDATE letters SET
            state       = CASE WHEN :state = 'waiting' AND cancellation IS NOT NULL THEN 'cancelled' ELSE :state END,
            holder      = NULL,
            holder_key  = NULL,
            lease_until = NULL,
            ambiguities = ambiguities + :ambiguous,
            last_reason = :reason,
            last_reply  = :reply,
            updated_at  = now()
        WHERE id = CAST(:id AS uuid) AND fence = :fence AND state IN ('claimed', 'transmitting')
        RETURNING id, state, attempts, now() AS at
    ), noted AS (
        INSERT INTO attempts
               (letter_id, number, started_at, outcome, reason, phase, reply, duration_ms, provider, replica)
        SELECT id, attempts, :started_at, :outcome, :reason, :phase, :reply, :duration_ms, :provider, :replica
        FROM settled
    )
    SELECT state, at FROM settled
    """
)
"""Records an attempt's outcome; nothing happens if somebody else has claimed the letter since."""

CANCEL = text(
    """
    INSERT INTO letters AS known (id, state, cancellation) VALUES (CAST(:id AS uuid), 'cancelled', :reason)
    ON CONFLICT (id) DO UPDATE SET
        cancellation = excluded.cancellation,
        state        = CASE WHEN known.state = 'waiting' THEN 'cancelled' ELSE known.state END,
        updated_at   = now()
    WHERE known.cancellation IS NULL AND known.state IN ('waiting', 'claimed', 'transmitting', 'dead')
    """
)
"""Withdraws a letter: at once if it is not in hand, else as soon as its attempt ends without acceptance."""

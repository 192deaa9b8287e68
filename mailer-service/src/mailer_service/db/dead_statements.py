"""The ledger's statements for dead letters; each is guarded by the state it expects, and takes many letters at once."""

from __future__ import annotations

from sqlalchemy import text

_ASKED = """
    asked AS (
        SELECT DISTINCT ON (id) id, digest
        FROM unnest(CAST(:ids AS uuid[]), CAST(:digests AS bytea[])) AS asked (id, digest)
    )
"""
_IN_HAND = """
    CASE
        WHEN known.state NOT IN ('claimed', 'transmitting') OR known.lease_until <= now() THEN false
        ELSE COALESCE(NOT pg_try_advisory_xact_lock(known.holder_key), true)
    END
"""
"""Whether a living replica has it: as in a claim, the lease counts, and the replica's lock as its sign of life."""

REVIVE = text(
    f"""
    WITH {_ASKED}, revived AS (
        UPDATE letters AS known SET
            state      = CASE
                             WHEN known.cancellation IS NOT NULL THEN 'cancelled'
                             WHEN known.expires_at <= now() THEN 'expired'
                             ELSE 'waiting'
                         END,
            refusals   = CAST('{{}}' AS jsonb),
            updated_at = now()
        FROM asked
        WHERE known.id = asked.id AND known.envelope_digest = asked.digest
          AND (known.state IN ('dead', 'suppressed') OR (:copies AND known.state = 'unconfirmed'))
        RETURNING known.id, known.state, known.fence, known.last_reason
    )
    INSERT INTO interventions (letter_id, kind, fence, reason, actor)
    SELECT id, 'redriven', fence, COALESCE(last_reason, 'suppressed'), :actor FROM revived WHERE state = 'waiting'
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - put together from constants, like the others here
)
"""Lets dead and suppressed letters, and where copies are accepted unconfirmed ones, be claimed again, unless they were withdrawn or are too late; others are left as they are."""

HURRY = text(
    f"""
    WITH {_ASKED}
    INSERT INTO interventions (letter_id, kind, fence, reason, actor)
    SELECT known.id, 'hurried', known.fence, known.last_reason, :actor
    FROM letters AS known JOIN asked ON known.id = asked.id AND known.envelope_digest = asked.digest
    WHERE known.state = 'waiting'
    ON CONFLICT DO NOTHING
    """  # noqa: S608
)
"""Notes that letters need not wait any longer."""

DROP = text(
    f"""
    WITH {_ASKED}, before AS (
        SELECT known.id, known.state, known.fence, known.last_reason
        FROM letters AS known JOIN asked ON known.id = asked.id AND known.envelope_digest = asked.digest
        WHERE known.state IN ('dead', 'waiting', 'claimed', 'transmitting') AND NOT {_IN_HAND}
        FOR UPDATE OF known
    ), dropped AS (
        UPDATE letters AS known SET
            state       = 'dead',
            holder      = NULL,
            holder_key  = NULL,
            lease_until = NULL,
            ambiguities = known.ambiguities + CAST(before.state = 'transmitting' AS integer),
            last_reason = :reason,
            updated_at  = now()
        FROM before
        WHERE known.id = before.id
    )
    INSERT INTO interventions (letter_id, kind, fence, reason, actor)
    SELECT id, 'dropped', fence, last_reason, :actor FROM before
    ON CONFLICT DO NOTHING
    """  # noqa: S608
)
"""Ends letters for good; one that a replica died with, too, whose only message lies in the dead letters."""

FORGOTTEN = text(
    "SELECT id FROM letters WHERE id = ANY(CAST(:ids AS uuid[])) AND cancellation = 'account_deleted'"
)
"""Which of these letters are to lie nowhere any more, because their account was deleted."""

LOOK = text(
    f"""
    WITH {_ASKED}
    SELECT known.id, known.state, COALESCE(known.envelope_digest = asked.digest, true) AS ours,
           {_IN_HAND} AS in_hand, known.cancellation IS NOT NULL AS withdrawn,
           COALESCE(known.expires_at <= now(), false) AS late,
           known.state = 'waiting' AND COALESCE(known.next_at > now(), false) AS early, known.attempts, now() AS at
    FROM letters AS known JOIN asked ON known.id = asked.id
    """  # noqa: S608
)
"""Where letters stand, compared with the envelopes at hand."""

STATUSES = text("SELECT id, state, last_reason FROM letters WHERE id = ANY(CAST(:ids AS uuid[]))")
"""What became of letters that were sent again."""

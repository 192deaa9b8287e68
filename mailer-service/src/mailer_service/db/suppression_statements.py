"""The statements of the table `suppressions`. An expired row is as good as none, also before it is swept away."""

from __future__ import annotations

from sqlalchemy import text

HOLDS = """
EXISTS (
    SELECT FROM suppressions AS kept
    WHERE kept.key IN (asked.recipient_hash, asked.domain_hash)
      AND kept.times >= kept.needed AND (kept.expires_at IS NULL OR kept.expires_at > now())
)
"""
"""Whether the recipient or the domain gets no letters: part of the ledger's claim, two look-ups in the primary key."""

SAY = """
INSERT INTO suppressions AS known (key, scope, reason, expires_at, needed)
SELECT :key, :scope, settled.reason, now() + CAST(:lifetime AS interval), :needed FROM settled
ON CONFLICT (key) DO UPDATE SET
    reason     = excluded.reason,
    since      = CASE WHEN known.expires_at <= now() THEN excluded.since ELSE known.since END,
    times      = CASE WHEN known.expires_at <= now() THEN 1 ELSE known.times + 1 END,
    needed     = CASE WHEN known.expires_at <= now() THEN excluded.needed
                      ELSE LEAST(known.needed, excluded.needed) END,
    expires_at = CASE WHEN known.times < known.needed OR known.expires_at <= now() THEN excluded.expires_at
                      WHEN known.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
                      ELSE GREATEST(known.expires_at, excluded.expires_at) END
"""
"""Notes that a server said so once more: part of the ledger's settlement. What holds already is never shortened."""

SWEEP = text("DELETE FROM suppressions WHERE expires_at <= now()")

FORGET = text(
    """
    DELETE FROM suppressions WHERE key = :key
      AND NOT EXISTS (SELECT FROM suppression_actions AS act WHERE act.key = :key AND act.action = 'added')
    """
)
"""Whoever asked not to be written to would be, were that forgotten; what a server says it says again."""

LIST = text(
    """
    SELECT key, scope, reason, since, expires_at, times, needed FROM suppressions
    WHERE (expires_at IS NULL OR expires_at > now()) AND (:all OR key = ANY (CAST(:keys AS bytea[])))
    ORDER BY since, key
    """
)

PUT = text(
    """
    WITH put AS (
        INSERT INTO suppressions (key, scope, reason, expires_at, needed)
        VALUES (:key, :scope, :reason, now() + CAST(:lifetime AS interval), :needed)
        ON CONFLICT (key) DO UPDATE SET
            reason = excluded.reason, since = excluded.since, expires_at = excluded.expires_at,
            times = excluded.times, needed = excluded.needed
        RETURNING key, scope, reason, since, expires_at, times, needed
    ), noted AS (
        INSERT INTO suppression_actions (actor, action, key, scope, reason)
        SELECT :actor, 'added', key, scope, reason FROM put
    )
    SELECT * FROM put
    """
)

_REMOVE = """
    WITH gone AS (DELETE FROM suppressions WHERE {} RETURNING key, scope, reason)
    INSERT INTO suppression_actions (actor, action, key, scope, reason)
    SELECT :actor, 'removed', key, scope, reason FROM gone
"""
REMOVE = text(_REMOVE.format("key = :key"))

REMOVE_FOR_A_REASON = text(
    _REMOVE.format(
        "reason = :reason AND (CAST(:age AS interval) IS NULL OR since >= now() - CAST(:age AS interval))"
    )
)

ACTIONS = text(
    """
    SELECT at, actor, action, key, scope, reason FROM suppression_actions
    WHERE :all OR key = ANY (CAST(:keys AS bytea[]))
    ORDER BY id DESC LIMIT :at_most
    """
)
"""What operators did, newest first."""

BY_TAG = text(
    """
    SELECT tag, reason
    FROM suppressions, left(encode(key, 'hex'), :digits) AS tag
    WHERE tag = ANY (CAST(:tags AS text[])) AND times >= needed AND (expires_at IS NULL OR expires_at > now())
    """
)
"""Which of these tags get no letters, and why."""

TAGGED = text("SELECT key FROM suppressions WHERE encode(key, 'hex') LIKE :tag")

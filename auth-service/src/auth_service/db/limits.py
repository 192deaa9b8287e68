"""Counting requests against limits: one statement decides, so any number at once, from any process, are admitted exactly.

A row holds the times of the newest requests that were admitted under its key, newest first: the n-th is the one that must
have left the period of a bucket of n. A refused request adds none, so nobody is locked out by asking again.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from auth_service.domain.limit import FREE, LONGEST_PERIOD, Admission, Limit

# Of a row that is locked by somebody else the newest version is seen: the decision is taken after the wait. Its own time was
# read before it; `greatest` keeps the order.
_DECIDE: Final = """
INSERT INTO limits AS kept (key, admitted, refused)
VALUES (:key, ARRAY[clock_timestamp()], false)
ON CONFLICT (key) DO UPDATE SET (admitted, refused) = (
    SELECT
        CASE WHEN is_full THEN kept.admitted
        ELSE (greatest(excluded.admitted[1], kept.admitted[1]) || kept.admitted)[1 : CAST(:largest AS integer)] END,
        is_full
    FROM (
        SELECT coalesce(max(kept.admitted[size] + period) > excluded.admitted[1], false) AS is_full
        FROM unnest(CAST(:sizes AS integer[]), CAST(:periods AS interval[])) AS bucket (size, period)
    ) AS decision
)
RETURNING refused, (
    SELECT extract(epoch FROM max(kept.admitted[size] + period) - clock_timestamp())
    FROM unnest(CAST(:sizes AS integer[]), CAST(:periods AS interval[])) AS bucket (size, period)
) AS seconds
"""
_ADMIT: Final = text(_DECIDE)
# Whoever pulls the plug may win a request or two: not worth the wait for the disk.
_ADMIT_LAZILY: Final = text(f"{_DECIDE}, set_config('synchronous_commit', 'off', true)")
_TAKE_BACK: Final = "UPDATE limits SET admitted = admitted[2 : 1000] WHERE key = ANY(:keys)"
_TAKE_BACK_DURABLY: Final = text(_TAKE_BACK)
_TAKE_BACK_LAZILY: Final = text(f"{_TAKE_BACK} RETURNING set_config('synchronous_commit', 'off', true)")
_IS_FULL: Final = text(
    "SELECT max(admitted[size] + period) > clock_timestamp() FROM limits,"
    " unnest(CAST(:sizes AS integer[]), CAST(:periods AS interval[])) AS bucket (size, period) WHERE key = :key"
)
_PURGE: Final = text(
    "DELETE FROM limits WHERE key IN (SELECT key FROM limits"
    " WHERE coalesce(admitted[1], '-infinity') <= clock_timestamp() - CAST(:longest AS interval)"
    " LIMIT :at_most FOR UPDATE SKIP LOCKED) RETURNING key"
)


def admit(session: Session, key: bytes, limit: Limit, *, lazily: bool = False) -> Admission:
    """Counts a request, if every bucket of the limit has room for it by the database's clock.

    Until the session's transaction ends others under the same key wait for it; if it is rolled back nothing was counted.

    Args:
        session: of a flow, or one that commits each statement.
        key: a keyed hash of whom or what is counted.
        limit: if it is off nothing is asked or written.
        lazily: the transaction need not be on the disk when its COMMIT returns.
    """
    if limit.is_off:
        return FREE
    values: dict[str, Any] = {
        "key": key,
        "sizes": [bucket.count for bucket in limit.buckets],
        "periods": [bucket.period for bucket in limit.buckets],
        "largest": max(bucket.count for bucket in limit.buckets),
    }
    row = session.execute(_ADMIT_LAZILY if lazily else _ADMIT, values).one()
    return Admission(admitted=not row.refused, seconds=max(0.0, float(row.seconds or 0)))


def take_back(session: Session, *keys: bytes, lazily: bool = False) -> None:
    """Forgets the newest request that was admitted under each of the keys."""
    session.execute(_TAKE_BACK_LAZILY if lazily else _TAKE_BACK_DURABLY, {"keys": list(keys)})


def is_full(session: Session, key: bytes, limit: Limit) -> bool:
    """Says whether a request under the key would be refused now, and counts none."""
    if limit.is_off:
        return False
    values = {
        "key": key,
        "sizes": [bucket.count for bucket in limit.buckets],
        "periods": [bucket.period for bucket in limit.buckets],
    }
    return bool(session.scalar(_IS_FULL, values))


def purge_limits(session: Session, *, limit: int) -> int:
    """Deletes counts under which nothing was admitted for as long as any bucket lasts, at most `limit`; returns how many."""
    return len(session.execute(_PURGE, {"longest": LONGEST_PERIOD, "at_most": limit}).all())

"""What is asked of the table `providers`. All times are the database's, read anew after waiting for a row."""

from __future__ import annotations

from sqlalchemy import text

_DOUBLING_SECONDS = 60
"""A budget that was halved has grown back after a minute, one halved four times after four."""


def _grown(column: str) -> str:
    """A part of a budget, grown since the provider last asked for less."""
    age = "extract(epoch FROM clock_timestamp() - slowed_at)"
    return f"CAST(least(1, {column} * power(2, least(60, {age} / {_DOUBLING_SECONDS}))) AS double precision)"


_LOCKS = """
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND CAST(classid AS bigint) = :space
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""Advisory locks in their form with two keys, hence objsubid: the provider, and a slot from 1; or 0, see `ATTEND`."""

ENROL = text("INSERT INTO providers (name) VALUES (:name) ON CONFLICT DO NOTHING")

LOOK = text(
    f"""
    SELECT name, reason, account, openings, set_up, reason IS NOT NULL AND probe_at <= clock_timestamp() AS due,
           {_grown("width")} AS width, {_grown("speed")} AS speed,
           coalesce(clock_timestamp() - wanted_at < interval '5 seconds', false) AS wanted
    FROM providers WHERE name = ANY(:names)
    """  # noqa: S608 - put together from constants of this module
)

ATTEND = text("SELECT pg_try_advisory_lock_shared(:space, 0)")
"""All replicas that use a provider share this lock, so that each knows how many there are."""

REPLICAS = text(f"SELECT count(*) {_LOCKS} AND objid = 0")

TAKE_SLOT = text(
    """
    SELECT slot FROM generate_series(1, :allowed) AS slot
    WHERE CASE WHEN slot = ANY (CAST(:mine AS integer[])) THEN false ELSE pg_try_advisory_lock(:space, slot) END
    LIMIT 1
    """
)
"""Tries one slot after the other, and stops at the first that is free. Locks of one's own could be taken twice."""

GIVE_SLOTS_BACK = text(
    "SELECT pg_advisory_unlock(:space, slot) FROM unnest(CAST(:slots AS integer[])) AS slot"
)

_GIVE_UP = """UPDATE providers SET reason = :reason, account = :account, set_up = set_up OR :set_up, openings = openings + 1,
           probe_at = clock_timestamp()
                      + make_interval(secs => least(:limit_seconds, :first_seconds * power(2, least(openings, 32))))"""
"""The next try is twice as far away each time, up to a limit."""

OPEN = text(
    f"""
    {_GIVE_UP}
    WHERE name = :name AND reason IS NULL
    RETURNING openings
    """
)
"""Gives a provider up; nothing happens where another replica has done so already."""

BEGIN_PROBE = text(
    """
    UPDATE providers SET probe_at = clock_timestamp() + make_interval(secs => :patience)
    WHERE name = :name AND reason IS NOT NULL AND probe_at <= clock_timestamp()
    RETURNING openings
    """
)
"""One replica tries; should it die, another does once its patience is over."""

FAIL_PROBE = text(
    f"""
    {_GIVE_UP}
    WHERE name = :name AND reason IS NOT NULL AND openings = :openings
    """
)

CLOSE = text(
    """
    UPDATE providers SET
        reason    = NULL,
        width     = CASE WHEN account THEN 1.0 / :connections ELSE width END,
        slowed_at = CASE WHEN account THEN clock_timestamp() ELSE slowed_at END
    WHERE name = :name AND reason IS NOT NULL AND openings = :openings
    RETURNING name
    """
)
"""Letters go there again, one at a time where our account had been refused. How often it was given up stays known until it has taken one."""

RESET = text(
    """
    UPDATE providers SET openings = 0, width = CASE WHEN account THEN 1 ELSE width END, account = false, set_up = false
    WHERE name = :name AND reason IS NULL AND openings > 0
    """
)

SLOW_DOWN = text(
    f"""
    UPDATE providers SET
        width = greatest(1.0 / :connections, least({_grown("width")}, held / CAST(:connections AS float8)) / 2),
        speed = greatest(0.01, {_grown("speed")} / 2),
        slowed_at = clock_timestamp()
    FROM (SELECT count(*) AS held {_LOCKS} AND objid > 0) AS locks
    WHERE name = :name AND (slowed_at < clock_timestamp() - interval '1 second' OR (width = 1 AND speed = 1))
    RETURNING width, speed
    """  # noqa: S608 - put together from constants of this module
)
"""Halves what may be asked of a provider, once for all refusals of the same second."""

RESERVE = text(
    f"""
    UPDATE providers
    SET next_at = greatest(next_at, clock_timestamp()) + :count * make_interval(secs => 1 / (:rate * {_grown("speed")}))
    WHERE name = :name AND next_at <= clock_timestamp() + make_interval(secs => :lead)
    RETURNING extract(epoch FROM next_at - clock_timestamp()) AS until, 1 / (:rate * {_grown("speed")}) AS interval
    """  # noqa: S608 - put together from constants of this module
)

WANT = text("UPDATE providers SET wanted_at = clock_timestamp() WHERE name = :name")

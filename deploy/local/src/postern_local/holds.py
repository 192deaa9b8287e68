"""A doctor's check for whoever has the ledger: letters that wait because an operator wants them to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2

from postern_local.lost_letters import connected
from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot

_HOLDS = """
    SELECT kind, CASE kind WHEN 'domain' THEN left(target, 16) ELSE target END, reason, actor,
           to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           coalesce('until ' || to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'until it is released')
    FROM holds WHERE expires_at IS NULL OR expires_at > now() ORDER BY id
"""


def holds(*, mailer: str) -> Callable[[Snapshot], Iterator[Finding]]:
    """Returns the check; takes the address of the ledger, with a login that may read the holds."""

    def check(_: Snapshot) -> Iterator[Finding]:
        try:
            with closing(connected(mailer)) as session, session.cursor() as cursor:
                cursor.execute(_HOLDS)
                found = cursor.fetchall()
        except psycopg2.Error:
            return  # said already where letters are counted
        for kind, target, reason, actor, since, until in found:
            yield Finding(
                code=Code.HELD,
                severity=Severity.WARNING,
                object=target,
                sentence=f"{kind} {target} is held since {since} {until}, by {actor}: {reason}",
                fix=f"mailer-service holds release --{kind} {target}",
            )

    return check

"""A doctor's check for whoever has both databases: letters on their way of which the broker holds no message.

Every letter that has left the outbox and has not ended is on one queue: of its class, of a wait, or, told of already, of
reports. So neither database may know of more such letters than there are messages. Messages may be doubled, and figures
are a few seconds old, so the larger figure of two looks counts, and letters that moved a moment ago do not: what is said
to be lost is lost, and it may be more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection

from mail_contract.topology import AUTH_REPORTS, AUTH_REPORTS_DEAD, CLASS_QUEUES, WaitTier
from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot

_MOMENT = "interval '15 seconds'"
_SECONDS = 3
"""For connecting, and for the answer: while a table is locked a doctor must not hang."""

OF_LEDGER = f"""
    SELECT count(*) FROM letters
    WHERE state IN ('waiting', 'claimed', 'transmitting') AND expires_at > now() AND updated_at < now() - {_MOMENT}
"""  # noqa: S608 - only constants
OF_AUTH = f"""
    SELECT count(*) FROM letters
    WHERE state IN ('queued', 'deferred') AND expires_at > now()
      AND NOT EXISTS (SELECT FROM outbox WHERE letter_id = letters.id)
      AND NOT EXISTS (SELECT FROM letter_events WHERE letter_id = letters.id AND at >= now() - {_MOMENT})
"""  # noqa: S608

_LETTER_QUEUES = (*CLASS_QUEUES.values(), *(tier.queue for tier in WaitTier))
_WHERE = (
    ("the ledger", OF_LEDGER, _LETTER_QUEUES),
    ("auth-service", OF_AUTH, (*_LETTER_QUEUES, AUTH_REPORTS, AUTH_REPORTS_DEAD)),
)


def lost_letters(*, auth: str, mailer: str) -> Callable[[Snapshot], Iterator[Finding]]:
    """Returns the check.

    Args:
        auth: address of auth-service's database, with a login that may read the letters.
        mailer: likewise of the ledger.
    """
    databases = {"the ledger": mailer, "auth-service": auth}

    def check(snapshot: Snapshot) -> Iterator[Finding]:
        for name, question, queues in _WHERE:
            held = sum(_held(snapshot, queue) for queue in queues)
            try:
                waiting = _ask(databases[name], question)
            except psycopg2.Error as error:
                yield Finding(
                    code=Code.LETTERS_NOT_COUNTED,
                    severity=Severity.WARNING,
                    object=name,
                    sentence=f"the letters of {name} were not counted: {type(error).__name__}",
                    fix="look whether its database answers",
                )
                continue
            if waiting > held:
                yield Finding(
                    code=Code.LETTERS_LOST,
                    severity=Severity.ERROR,
                    object=name,
                    sentence=f"{waiting} letters wait in {name}, the broker holds {held}: at least {waiting - held} are on"
                    " no queue",
                    fix="find out who purged a queue or whether a disk was lost; auth-service ends each such letter some"
                    " hours after its expiry and renews it where that makes sense",
                )

    return check


def _held(snapshot: Snapshot, queue: str) -> int:
    looks = (snapshot.earlier.get(queue), snapshot.queues.get(queue))
    return max((look.messages + look.dead_lettering for look in looks if look is not None), default=0)


def _ask(url: str, question: str) -> int:
    with closing(connected(url)) as session:
        with session.cursor() as cursor:
            cursor.execute(question)
            ((count,),) = cursor.fetchall()
        return int(count)


def connected(url: str) -> connection:
    """Returns a session that never hangs."""
    return psycopg2.connect(url, connect_timeout=_SECONDS, options=f"-c statement_timeout={_SECONDS}s")

"""Reading what a run left behind: mailbox, both databases, every queue."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg2

from dev_inbox.mailbox import Message
from mail_contract.topology import MAILER_DEAD
from support.broker import VirtualHost
from support.database import Database
from support.faults.evidence import DeadLetter, LedgerEntry

_MESSAGE_ID = re.compile(rb"^Message-ID: <([0-9a-f-]{36})@", re.MULTILINE | re.IGNORECASE)


def rows(database: Database, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the database as its superuser."""
    with closing(psycopg2.connect(database.admin_url, connect_timeout=5)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def letters_in(database: Database, states: tuple[str, ...]) -> set[UUID]:
    """Letters that either service has in one of these states."""
    return {
        UUID(letter) for (letter,) in rows(database, "SELECT id::text FROM letters WHERE state IN %s", states)
    }


def letters_of_auth(database: Database) -> dict[UUID, str]:
    """The state of every committed letter."""
    return {UUID(letter): state for letter, state in rows(database, "SELECT id::text, state FROM letters")}


def ledger_of_mailer(database: Database) -> dict[UUID, LedgerEntry]:
    """What the mailer knows of every letter it has seen."""
    found = rows(database, "SELECT id::text, state, ambiguities, attempts FROM letters")
    return {
        UUID(letter): LedgerEntry(state=state, ambiguities=ambiguities, attempts=attempts)
        for letter, state, ambiguities, attempts in found
    }


def received_letters(messages: Sequence[Message]) -> Counter[UUID]:
    """How often each letter arrived, by its Message-ID."""
    found: Counter[UUID] = Counter()
    for message in messages:
        stated = _MESSAGE_ID.search(message.raw)
        assert stated, "a message without a Message-ID of ours"
        found[UUID(stated[1].decode())] += 1
    return found


def unknown_receipts(database: Database, receipts: Iterable[str]) -> frozenset[str]:
    """Receipts that were given out and belong to no letter; by their digest."""
    given = {hashlib.sha256(receipt.encode()).hexdigest() for receipt in receipts}
    known = {digest for (digest,) in rows(database, "SELECT encode(receipt_hash, 'hex') FROM letters")}
    return frozenset(given - known)


def doubled_addresses(database: Database) -> int:
    """Addresses with more than one account."""
    ((count,),) = rows(
        database,
        "SELECT count(*) FROM (SELECT FROM accounts GROUP BY canonical_email HAVING count(*) > 1) AS doubled",
    )
    return int(count)


def outbox_rows(database: Database) -> int:
    """Rows not settled."""
    ((count,),) = rows(database, "SELECT count(*) FROM outbox")
    return int(count)


def messages_in_queues(broker: VirtualHost) -> dict[str, int]:
    """Messages by queue, those handed out among them; up to half a second old."""
    queues = broker.admin.get("queues", broker.vhost)
    return {
        queue["name"]: int(queue.get("messages", 0))
        for queue in queues
        if "pidbox" not in queue["name"] and ".ev." not in queue["name"]
    }


def dead_letters(broker: VirtualHost, queue: str = MAILER_DEAD, *, count: int = 10_000) -> list[DeadLetter]:
    """What lies in a queue of dead letters; it stays there."""
    wanted = {"count": count, "ackmode": "ack_requeue_true", "encoding": "auto", "truncate": 100}
    found = broker.admin.post("queues", broker.vhost, queue, "get", body=wanted)
    return [_dead_letter(message["properties"].get("headers", {})) for message in found]


def _dead_letter(headers: Mapping[str, Any]) -> DeadLetter:
    reason = headers.get("x-postern-reason") or headers.get("x-first-death-reason")
    try:
        letter = UUID(str(headers.get("id")))
    except ValueError:
        letter = None
    return DeadLetter(letter=letter, reason=None if reason is None else str(reason))

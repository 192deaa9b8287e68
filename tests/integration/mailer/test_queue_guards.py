"""A worker runs what belongs to its queue and nothing else, whoever's login publishes it."""

import bz2
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection

from mail_contract.letters import LetterClass
from mail_contract.tasks import RECORD_REPORT, SCHEDULED_TASKS, TASKS
from mail_contract.topology import (
    AUTH_MAINTENANCE,
    AUTH_REPORTS,
    AUTH_REPORTS_DEAD,
    CANCELLATION_ROUTE,
    CLASS_QUEUES,
    MAILER_CANCELLATIONS,
    MAINTENANCE_ROUTE,
    REPORT_ROUTE,
    Route,
    letter_route,
)
from support.auth_api import WRITER_SETTINGS
from support.auth_process import AuthProcess, auth_process
from support.broker import VirtualHost
from support.database import Database
from support.eventually import eventually
from support.mailroom import Mailroom
from support.raw_messages import publish_raw

NAMES = sorted(frozenset.union(*TASKS.values()))
BUILT_IN = ["celery.chain", "celery.map", "celery.chord_unlock", "celery.backend_cleanup"]
ROUTES: dict[str, Route] = {
    **{queue: letter_route(LetterClass(each)) for each, queue in CLASS_QUEUES.items()},
    MAILER_CANCELLATIONS: CANCELLATION_ROUTE,
    AUTH_REPORTS: REPORT_ROUTE,
    AUTH_MAINTENANCE: MAINTENANCE_ROUTE,
}
A_LETTER = {"task": "mailer.deliver_letter", "args": ["x"], "kwargs": {}, "options": {"exchange": "mail"}}
"""A signature that auth's worker, with its rights, could publish."""


def throw(
    broker: VirtualHost,
    user: str,
    task: str,
    queue: str,
    *,
    embed: dict[str, Any] | None = None,
    **headers: Any,
) -> None:
    """Publish a call with a user's login."""
    body = json.dumps([[], {}, embed or {}])
    with Connection(broker.url(user), transport_options={"confirm_publish": True}) as connection:
        said = {"task": task, "id": str(uuid4()), "lang": "py", **headers}
        publish_raw(connection, body, headers=said, route=ROUTES[queue])


@pytest.fixture
def auth_worker(auth_database: Database, broker: VirtualHost, tmp_path: Path) -> Iterator[AuthProcess]:
    settings = {
        "AUTH_DATABASE_URL": auth_database.url,
        "AUTH_BROKER_URL": broker.url("auth"),
        **WRITER_SETTINGS,
    }
    with auth_process("worker", settings, tmp_path / "worker.log") as worker:
        eventually(lambda: broker.consumers(AUTH_REPORTS) == 1, within=20)
        yield worker


@pytest.mark.parametrize(("user", "queue"), [("mailer", AUTH_REPORTS), ("operator", AUTH_REPORTS)])
def test_whoever_may_report_can_have_nothing_else_done_by_auth(
    broker: VirtualHost, auth_worker: AuthProcess, user: str, queue: str
) -> None:
    thrown = [name for name in (*NAMES, *BUILT_IN) if name != RECORD_REPORT]
    for name in thrown:
        throw(broker, user, name, queue)
    more = [{part: [A_LETTER]} for part in ("callbacks", "errbacks", "chain")] + [{"chord": A_LETTER}]
    for embed in more:
        throw(broker, user, RECORD_REPORT, queue, embed=embed)
        throw(broker, user, RECORD_REPORT, queue, **embed)
    count = len(thrown) + 2 * len(more)
    eventually(lambda: len(auth_worker.events("message_rejected")) == count, within=20)
    reasons = [event["reason"] for event in auth_worker.events("message_rejected")]
    assert (reasons.count("misplaced_task"), reasons.count("more_than_a_call")) == (
        len(thrown),
        2 * len(more),
    )
    assert {event["queue"] for event in auth_worker.events("message_rejected")} == {queue}
    eventually(lambda: broker.depth(AUTH_REPORTS_DEAD) == count)
    assert auth_worker.events("purged") == auth_worker.events("renewed") == []
    assert not any(broker.depth(name) for name in CLASS_QUEUES.values())


def test_scheduled_work_is_all_that_is_taken_from_its_queue(
    broker: VirtualHost, auth_worker: AuthProcess
) -> None:
    thrown = [name for name in (*NAMES, *BUILT_IN) if name not in SCHEDULED_TASKS]
    for name in thrown:
        throw(broker, "auth", name, AUTH_MAINTENANCE)
    eventually(lambda: len(auth_worker.events("message_rejected")) == len(thrown), within=20)
    for name in SCHEDULED_TASKS:
        throw(broker, "auth", name, AUTH_MAINTENANCE)
    eventually(
        lambda: {event["task"] for event in auth_worker.events() if "rows" in event} == SCHEDULED_TASKS,
        within=20,
    )


@pytest.mark.parametrize("user", ["auth", "operator"])
def test_whoever_may_write_letters_can_have_nothing_else_done_by_the_mailer(
    busy_room: Mailroom, user: str
) -> None:
    (replica,) = busy_room.replicas
    queues = [*CLASS_QUEUES.values(), MAILER_CANCELLATIONS]
    before = len(replica.events("message_rejected"))
    thrown = [(name, queue) for queue in queues for name in (*NAMES, *BUILT_IN) if name not in TASKS[queue]]
    for name, queue in thrown:
        throw(busy_room.broker, user, name, queue)
    for queue in queues:
        (name,) = TASKS[queue]
        throw(busy_room.broker, user, name, queue, embed={"callbacks": [A_LETTER]})
        throw(busy_room.broker, user, name, queue, stamped_headers=["a"], a=["b"])
    count = len(thrown) + 2 * len(queues)
    eventually(lambda: len(replica.events("message_rejected")) - before == count, within=20)
    eventually(lambda: busy_room.broker.depth("mailer.dead") == count)
    busy_room.broker.purge("mailer.dead")
    letter = busy_room.post(busy_room.seal("an@example.org"))
    eventually(lambda: busy_room.told(letter) == ["sent"])


def test_a_small_body_that_unpacks_to_a_large_one_stays_packed(busy_room: Mailroom) -> None:

    body = bz2.compress(b"[" + b" " * 200_000_000 + b"[], {}, {}]")
    assert len(body) < 1000
    with Connection(busy_room.broker.url("auth")) as connection:
        headers = {"task": "mailer.deliver_letter", "id": str(uuid4()), "compression": "application/x-bz2"}
        publish_raw(connection, body, headers=headers)
    eventually(lambda: busy_room.broker.depth("mailer.dead") == 1)
    (dead,) = busy_room.broker.take("mailer.dead")
    assert dead["payload_bytes"] == len(body)

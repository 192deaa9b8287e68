"""A queue that is missing, or not this login's, stops no other, is said once, and is consumed as soon as it is there."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterName
from mail_contract.topology import (
    AUTH_MAINTENANCE,
    AUTH_REPORTS,
    MAILER_BULK,
    MAILER_STANDARD,
    MAILER_URGENT,
    MAILER_WORK,
)
from postern_local.ports import any_ports
from support.auth_api import WRITER_SETTINGS
from support.auth_process import AuthProcess, auth_process
from support.broker import VirtualHost
from support.certificates import NOBODY
from support.database import Database
from support.eventually import eventually
from support.mailroom import CONCURRENCY, Mailroom, Replica

LINES_AT_MOST = 12
"""In the seconds a test lasts; there were 25 a second."""


@pytest.fixture
def listen() -> str:
    return f"127.0.0.1:{any_ports({})['api']}"


def delete(broker: VirtualHost, queue: str) -> None:
    broker.admin.delete("queues", broker.vhost, queue)


def is_sent(room: Mailroom, letter: LetterName) -> None:
    letter_id = room.post(room.seal("an@example.org", letter=letter))
    eventually(lambda: room.told(letter_id) == ["sent"])


def health(listen: str) -> dict[str, object]:
    answer = httpx.get(f"http://{listen}/healthz", verify=NOBODY).raise_for_status().json()
    assert answer["alive"]
    return dict(answer["not_ready"])


def consuming(listen: str) -> set[str]:
    lines = httpx.get(f"http://{listen}/metrics", verify=NOBODY).text.splitlines()
    return {
        line.split('"')[1] for line in lines if line.startswith("mailer_consuming{") and line.endswith(" 1.0")
    }


def limits(broker: VirtualHost) -> dict[str, int]:
    """How many unacknowledged messages each consumer may have, by its tag; figures are up to 5 s old, 0 is no limit."""
    return {
        consumer["consumer_tag"]: consumer["prefetch_count"]
        for consumer in broker.admin.get("consumers", broker.vhost)
        if consumer["ack_required"]
    }


def words(replica: Replica | AuthProcess) -> int:
    return len(replica.log.read_text(encoding="utf-8").splitlines())


@pytest.mark.slow
def test_a_queue_deleted_under_a_replica_and_made_again(room: Mailroom, listen: str) -> None:
    replica = room.start(MAILER_LISTEN=listen)
    is_sent(room, LetterName.TERMS_CHANGED)
    eventually(lambda: len(limits(room.broker)) == len(MAILER_WORK))
    at_first = limits(room.broker)
    before = words(replica)
    delete(room.broker, MAILER_BULK)
    eventually(lambda: health(listen) == {MAILER_BULK: "ConsumerCancelled"})
    eventually(lambda: health(listen) == {MAILER_BULK: "NotFound"})
    eventually(lambda: MAILER_BULK not in consuming(listen) and MAILER_URGENT in consuming(listen))
    is_sent(room, LetterName.VERIFY_ADDRESS)
    assert len(replica.events("queue_not_consumed")) == 1
    assert words(replica) - before < LINES_AT_MOST
    room.broker.apply()
    eventually(lambda: MAILER_BULK in consuming(listen), within=15)
    assert health(listen) == {}
    fresh = eventually(lambda: limits(room.broker).keys() - at_first.keys())
    assert {limits(room.broker)[tag] for tag in fresh} == {CONCURRENCY}
    assert [event["queue"] for event in replica.events("queue_consumed_again")] == [MAILER_BULK]
    is_sent(room, LetterName.TERMS_CHANGED)
    assert replica.stop() == 0


def test_a_letter_in_hand_of_a_queue_that_is_deleted_disturbs_nobody(room: Mailroom, listen: str) -> None:
    room.inbox.play(Rule(phase=Phase.DOT, delay_seconds=4, times=1))
    replica = room.start(MAILER_LISTEN=listen)
    slow = room.post(room.seal("an@example.org", letter=LetterName.TERMS_CHANGED))
    eventually(lambda: room.state(slow) == "transmitting")
    delete(room.broker, MAILER_BULK)
    eventually(lambda: health(listen) == {MAILER_BULK: "NotFound"})
    eventually(lambda: room.told(slow) == ["sent"], within=15)
    is_sent(room, LetterName.VERIFY_ADDRESS)
    assert "onnection to broker lost" not in replica.log.read_text(encoding="utf-8")


def test_a_replica_that_starts_without_one_of_its_queues(room: Mailroom, listen: str) -> None:
    delete(room.broker, MAILER_URGENT)
    delete(room.broker, MAILER_STANDARD)
    replica = room.start(MAILER_LISTEN=listen)
    is_sent(room, LetterName.TERMS_CHANGED)
    assert health(listen) == {MAILER_URGENT: "NotFound", MAILER_STANDARD: "NotFound"}
    room.broker.apply()
    eventually(lambda: health(listen) == {}, within=15)
    is_sent(room, LetterName.VERIFY_ADDRESS)
    assert len(replica.events("queue_not_consumed")) == 2


def test_a_replica_that_may_not_read_its_queues_goes_on_when_it_may_again(
    room: Mailroom, listen: str
) -> None:
    broker = room.broker
    rights = next(user for user in apply_rights(broker) if user["user"] == broker.user_prefix + "mailer")
    wanted = {key: rights[key] for key in ("configure", "write", "read")}
    without = {**wanted, "read": wanted["read"].replace("|bulk", "")}
    broker.admin.put("permissions", broker.vhost, rights["user"], body=without)
    room.start(MAILER_LISTEN=listen)
    is_sent(room, LetterName.VERIFY_ADDRESS)
    assert health(listen) == {MAILER_BULK: "AccessRefused"}
    broker.admin.put("permissions", broker.vhost, rights["user"], body=wanted)
    eventually(lambda: health(listen) == {}, within=20)
    is_sent(room, LetterName.TERMS_CHANGED)


def apply_rights(broker: VirtualHost) -> list[dict[str, str]]:
    return [item for item in broker.admin.get("permissions") if item["vhost"] == broker.vhost]


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


@pytest.mark.parametrize("missing", [AUTH_REPORTS, AUTH_MAINTENANCE])
def test_auths_worker_serves_what_is_there(
    broker: VirtualHost, auth_worker: AuthProcess, missing: str
) -> None:
    (other,) = {AUTH_REPORTS, AUTH_MAINTENANCE} - {missing}
    before = words(auth_worker)
    delete(broker, missing)
    assert auth_worker.await_event("queue_not_consumed")["queue"] == missing
    assert broker.consumers(other) == 1
    broker.apply()
    eventually(lambda: broker.consumers(missing) == 1, within=15)
    assert len(auth_worker.events("queue_not_consumed")) == 1
    assert auth_worker.await_event("queue_consumed_again")["queue"] == missing
    assert words(auth_worker) - before < LINES_AT_MOST
    assert auth_worker.stop() == 0

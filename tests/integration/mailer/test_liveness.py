"""The worker's port: what it counts, and whether it is stuck, on real replicas."""

import os
import subprocess
import sys

import httpx
import pytest

from postern_local.ports import LOOPBACK, any_ports
from support import nursery
from support.certificates import NOBODY
from support.eventually import eventually
from support.freezing import frozen
from support.mailroom import COMMAND, Mailroom, Replica

AN = "an@example.org"


@pytest.fixture
def listen() -> str:
    return f"{LOOPBACK}:{any_ports({})['api']}"


def alive(listen: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), "alive"],
        env={"PATH": os.environ["PATH"], "MAILER_LISTEN": listen},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


CONSUMING = 'mailer_consuming{queue="mailer.urgent"}'


def figures(listen: str) -> dict[str, float]:
    """What Prometheus would read, by name and labels."""
    lines = httpx.get(f"http://{listen}/metrics", verify=NOBODY).raise_for_status().text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def impatient(room: Mailroom, listen: str) -> Replica:
    """A replica with one thread and the shortest lease there is."""
    return room.start(
        MAILER_LISTEN=listen,
        MAILER_CONCURRENCY="1",
        MAILER_LEASE_SECONDS="6",
        MAILER_SMTP_TIMEOUT_SECONDS="4",
    )


def test_a_healthy_replica_is_alive_and_counts_what_it_sends(room: Mailroom, listen: str) -> None:
    room.start(MAILER_LISTEN=listen)
    letters = [room.post(room.seal(f"an{n}@example.org")) for n in range(3)]
    for letter in letters:
        eventually(lambda letter=letter: room.told(letter) == ["sent"])  # type: ignore[misc]
    assert httpx.get(f"http://{listen}/healthz", verify=NOBODY).json() == {
        "alive": True,
        "because": None,
        "not_ready": {},
    }
    assert alive(listen).returncode == 0
    eventually(lambda: figures(listen)["mailer_in_hand"] == 0)
    eventually(lambda: figures(listen)[CONSUMING] == 1)  # it is told once a second
    found = figures(listen)
    assert found['mailer_letters_total{letter_class="urgent",outcome="sent"}'] == 3
    assert found['mailer_acceptance_seconds_count{letter_class="urgent"}'] == 3
    assert found['mailer_attempt_seconds_count{letter_class="urgent"}'] == 3
    assert "example.org" not in httpx.get(f"http://{listen}/metrics", verify=NOBODY).text
    assert httpx.get(f"http://{listen}/", verify=NOBODY).status_code == 404


@pytest.mark.slow
def test_a_replica_whose_database_is_frozen_gives_up_waiting_and_is_alive(
    room: Mailroom, listen: str
) -> None:
    replica = room.start(MAILER_LISTEN=listen, MAILER_CONCURRENCY="1")
    first = room.post(room.seal(AN))  # leaves a connection in the pool
    eventually(lambda: room.told(first) == ["sent"])
    with frozen([room.broker.infra.postgres_pid]):
        second = room.post(room.seal(AN))
        eventually(lambda: replica.events("ledger_unavailable"), within=20)
        assert figures(listen)["mailer_in_hand"] == 1
        assert alive(listen).returncode == 0
    eventually(lambda: room.told(second) == ["sent"], within=40)
    assert replica.events("replica_stuck") == []


@pytest.mark.slow
def test_a_replica_whose_broker_is_away_is_alive_and_says_that_it_does_not_consume(
    room: Mailroom, listen: str
) -> None:
    replica = room.start(MAILER_LISTEN=listen)
    infra = room.broker.infra
    infra.kill_broker()
    eventually(lambda: figures(listen)[CONSUMING] == 0, within=30)
    assert alive(listen).returncode == 0
    eventually(lambda: replica.log.read_text(encoding="utf-8").count("Cannot connect to") >= 5, within=30)
    infra.start_broker()
    eventually(lambda: figures(listen)[CONSUMING] == 1, within=10)
    assert alive(listen).returncode == 0


def test_a_replica_that_waits_for_its_ledger_is_alive(room: Mailroom, listen: str) -> None:
    replica = impatient(room, listen)
    infra = room.broker.infra
    infra.stop_postgres()
    letter = room.post(room.seal(AN))
    eventually(lambda: replica.events("ledger_unavailable"))
    assert figures(listen)["mailer_in_hand"] == 1
    assert alive(listen).returncode == 0
    infra.start_postgres()
    eventually(lambda: room.told(letter) == ["sent"], within=20)


@pytest.mark.slow
def test_a_frozen_replica_does_not_answer_and_is_not_alive(room: Mailroom, listen: str) -> None:
    replica = room.start(MAILER_LISTEN=listen)
    replica.freeze()
    assert alive(listen).returncode == 1
    replica.thaw()
    eventually(lambda: alive(listen).returncode == 0)


def test_asking_loads_none_of_what_the_worker_needs(listen: str) -> None:
    program = (
        "import sys; from mailer_service.cli.entry import main; sys.argv[1:] = ['alive']\n"
        "try: main()\n"
        "except SystemExit: print({'celery', 'click', 'pydantic', 'sqlalchemy', 'structlog'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"MAILER_LISTEN": listen},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_without_an_address_to_ask_it_says_so() -> None:
    done = alive("")
    assert done.returncode == 2
    assert "MAILER_LISTEN" in done.stderr


def test_nobody_listening_is_not_alive(listen: str) -> None:
    done = alive(listen)
    assert done.returncode == 1
    assert listen in done.stderr


def test_a_port_that_is_taken_stops_the_start_and_is_named(room: Mailroom, listen: str) -> None:
    room.start(MAILER_LISTEN=listen)
    second = nursery.run(
        [COMMAND, "worker"], environment={**room.settings(), "MAILER_LISTEN": listen}, timeout=30
    )
    assert second.returncode == 2
    assert f"MAILER_LISTEN={listen}" in second.stderr

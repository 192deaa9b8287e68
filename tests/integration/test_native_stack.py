"""`make run` as a person at a terminal meets it."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import psycopg2
import pytest

from mail_contract.topology import MAILER_URGENT, MAILER_WORK
from postern_local.consumers import consumers
from postern_local.ports import LOOPBACK
from postern_local.replicas import Replicas
from support.eventually import eventually
from support.people import Gate, Mailbox, addresses
from support.stack import Stack, command, launch, running_stack, starting_stack, wait_until_up

KINDS = {
    "api",
    "relay",
    "auth-worker",
    "beat",
    "mailer",
    "mailer-urgent",
    "rabbitmq",
    "postgres",
    "flower",
    "inbox",
}

pytestmark = pytest.mark.timeout(300)


def family(stack: Stack) -> list[psutil.Process]:
    """The runner and everything below it."""
    runner = psutil.Process(stack.runner.pid)
    return [runner, *runner.children(recursive=True)]


def key_files(stack: Stack) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in stack.state.keys.iterdir()}


def cleared_and_starting(stack: Stack) -> bool:
    printed = stack.output.read_text(encoding="utf-8")
    assert stack.runner.poll() is None, printed
    return "starting RabbitMQ" in printed.partition("stopping what a killed run left behind")[2]


def as_operator(stack: Stack, words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a person would type it."""
    commands = Path(sys.executable).parent
    return subprocess.run(
        ["sh", "-c", f'set -a; . "$1"; exec {commands}/{words}', "sh", str(stack.state.operator_file)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def alive(processes: list[psutil.Process]) -> list[str]:
    return [
        process.name()
        for process in processes
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


def test_everything_in_the_description_answers(stack: Stack) -> None:
    assert httpx.get(f"{stack.ops}/readyz").status_code == 200
    assert httpx.get(f"{stack.inbox}/healthz").status_code == 200
    assert httpx.get(f"{stack.flower}/", auth=stack.flower_login).status_code == 200
    assert httpx.get(stack.description["rabbitmq_console"]).status_code == 200
    assert stack.running("rabbitmq")
    assert stack.running("postgres")
    with socket.create_connection((LOOPBACK, int(stack.smtp.rpartition(":")[2])), timeout=5) as connection:
        assert connection.recv(64).startswith(b"220 ")


def test_flower_asks_for_a_login(stack: Stack) -> None:
    assert httpx.get(f"{stack.flower}/").status_code == 401


def test_the_pids_are_those_of_the_services_themselves(stack: Stack) -> None:
    processes = stack.description["processes"]

    assert set(processes) == KINDS
    assert {kind: len(pids) for kind, pids in processes.items()} == dict.fromkeys(KINDS, 1) | {"mailer": 2}
    assert psutil.Process(processes["rabbitmq"][0]).name() == "beam.smp"
    assert psutil.Process(processes["postgres"][0]).name() == "postgres"
    assert "api" in psutil.Process(processes["api"][0]).cmdline()
    mailers = processes["mailer"] + processes["mailer-urgent"]
    assert all("worker" in psutil.Process(pid).cmdline() for pid in mailers)


def test_urgent_letters_have_a_worker_of_their_own(stack: Stack) -> None:
    found = consumers(stack.amqp)

    assert found[MAILER_URGENT] == 3
    assert {found[queue] for queue in MAILER_WORK if queue != MAILER_URGENT} == {2}


def test_every_mailer_shows_its_figures_on_a_port_of_its_own_and_is_alive(stack: Stack) -> None:
    metrics = stack.description["metrics"]

    assert len(set(metrics)) == 3
    for address in metrics:
        assert 'mailer_consuming{queue="mailer.urgent"} 1.0' in httpx.get(address).raise_for_status().text
        assert httpx.get(address.replace("/metrics", "/healthz")).json()["alive"]


def test_every_process_of_auth_shows_its_figures_and_is_ready(stack: Stack) -> None:
    shown = stack.description["auth_metrics"]

    assert set(shown) == {"api", "relay", "auth-worker", "beat"}
    for kind, address in shown.items():
        assert f'service="auth-{kind.removeprefix("auth-")}"' in httpx.get(address).text
        assert httpx.get(address.replace("/metrics", "/readyz")).is_success


def test_a_probe_signs_up_and_leaves_nothing_behind(stack: Stack) -> None:
    done = as_operator(stack, "auth-service probe --json")

    assert json.loads(done.stdout)["ok"], done
    assert done.returncode == 0
    with (
        closing(psycopg2.connect(stack.description["database"]["auth"])) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT count(*) FROM registrations WHERE email LIKE 'probe-%'")
        assert cursor.fetchone() == (0,)


def test_an_operators_commands_find_what_they_need_in_a_file_for_a_shell(stack: Stack) -> None:
    for words in ("mailer-service dead list --json", "mailer-service suppressions list --json"):
        done = as_operator(stack, words)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
    assert str(stack.state.operator_file) in stack.output.read_text(encoding="utf-8")


def test_every_server_listens_on_loopback_only(stack: Stack) -> None:
    listening = [
        connection.laddr.ip
        for process in family(stack)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_what_holds_a_password_is_for_its_owner_only(stack: Stack) -> None:
    holders = [
        path
        for path in stack.state.root.rglob("*")
        if path.name in {"stack.json", "passwords.json", "operator.env"}
    ]
    holders += [
        *stack.state.keys.iterdir(),
        *stack.state.run.rglob("*.sh"),
        stack.state.broker / "rabbitmq.conf",
    ]

    assert len(holders) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in holders} == {0o600}


def test_the_table_is_the_only_place_that_shows_a_password(stack: Stack) -> None:
    table = stack.output.read_text(encoding="utf-8")
    logs = stack.logs()

    assert stack.flower_login[1] in table
    assert [name for name, password in stack.passwords().items() if password in logs] == []


def test_a_second_run_says_where_the_first_one_is_and_changes_nothing(stack: Stack) -> None:
    before = stack.description

    second = command("run", root=stack.state.root)

    assert second.returncode == 1
    assert "already running" in second.stderr
    assert stack.api in second.stdout
    assert stack.description == before


def test_clean_refuses_while_the_stack_is_up(stack: Stack) -> None:
    refused = command("clean", root=stack.state.root)

    assert refused.returncode == 1
    assert stack.state.stack_file.exists()


@pytest.mark.slow
def test_scaling_starts_and_stops_replicas_and_leaves_the_others_alone(stack: Stack) -> None:
    before = stack.description["processes"]

    for replicas in (5, 1, 2):
        done = command("scale", f"mailer={replicas}", root=stack.state.root)
        assert done.returncode == 0, done.stderr
        pids = stack.description["processes"]["mailer"]
        assert len(pids) == replicas
        assert before["mailer"][0] == pids[0]
        wanted = {queue: replicas + (queue == MAILER_URGENT) for queue in MAILER_WORK}
        assert {queue: consumers(stack.amqp)[queue] for queue in MAILER_WORK} == wanted
        assert len(stack.description["metrics"]) == replicas + 1

    assert stack.description["processes"] | {"mailer": []} == before | {"mailer": []}


@pytest.mark.slow
def test_scaling_the_api_leaves_its_other_processes_alone_and_is_remembered(stack: Stack) -> None:
    (master,) = stack.description["processes"]["api"]
    before = {child.pid for child in psutil.Process(master).children()}

    for replicas in (3, 2):
        done = command("scale", f"api={replicas}", "mailer=2", root=stack.state.root)
        assert done.returncode == 0, done.stderr
        assert len(psutil.Process(master).children()) == replicas
        assert Replicas.load_from(stack.state) == Replicas(mailer=2, api=replicas)

    assert len(before & {child.pid for child in psutil.Process(master).children()}) >= 1
    assert httpx.get(f"{stack.api}/healthz").status_code == 200


@pytest.mark.slow
@pytest.mark.long
def test_scaling_under_load_loses_and_doubles_no_letter(stack: Stack, gate: Gate, mailbox: Mailbox) -> None:
    people = addresses(300)
    with ThreadPoolExecutor(4) as pool:
        receipts = pool.map(gate.register, people)
        for replicas in (1, 4, 1, 2):
            done = command("scale", f"mailer={replicas}", root=stack.state.root)
            assert done.returncode == 0, done.stderr
        for receipt in receipts:
            gate.wait_until(receipt, "sent", within=60)

    assert mailbox.received(people) == Counter(people)


def test_a_service_that_dies_is_started_again_and_the_description_follows(stack: Stack) -> None:
    (before,) = stack.description["processes"]["relay"]

    os.kill(before, signal.SIGKILL)

    def replaced() -> bool:
        pids = stack.description["processes"]["relay"]
        return len(pids) == 1 and pids != [before]

    eventually(replaced, within=15)
    eventually(lambda: stack.running("relay"), within=15)


def test_the_services_logs_are_streamed_with_their_names(stack: Stack) -> None:
    assert httpx.get(f"{stack.inbox}/api/messages").status_code == 200
    (before,) = stack.pids("beat")

    os.kill(before, signal.SIGKILL)

    eventually(lambda: "\nbeat " in stack.output.read_text(encoding="utf-8"), within=20)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.xdist_group("stopped stack")
def test_sigterm_stops_everything_in_order_and_the_next_run_finds_the_data_and_avoids_busy_ports(
    tmp_path: Path,
) -> None:
    root = tmp_path / "state"
    with running_stack(root) as first:
        members, description, keys = family(first), first.description, key_files(first)

        assert first.stop() == 0

        assert alive(members) == []
        assert not first.state.stack_file.exists()
        assert not first.state.operator_file.exists()
        printed = first.output.read_text(encoding="utf-8")
        order = [
            "api, beat",
            "relay",
            "auth-worker, mailer-1, mailer-2, mailer-urgent",
            "flower",
            "inbox",
            "postgres, rabbitmq",
        ]
        assert re.findall(r"stopping (.*)", printed)[:-1] == order

        port = int(description["inbox"].rpartition(":")[2])
        with socket.create_server((LOOPBACK, port)), running_stack(root) as second:
            assert second.inbox != description["inbox"]
            assert f"{second.inbox} " in second.output.read_text(encoding="utf-8")
            assert second.api == description["api"]
            assert second.database == description["database"]
            assert key_files(second) == keys
    assert not root.exists()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.xdist_group("killed stack")
def test_a_run_stops_what_a_killed_one_left_behind_and_leaves_nothing_when_it_is_interrupted_itself(
    tmp_path: Path,
) -> None:
    root = tmp_path / "state"
    first = wait_until_up(launch(root))
    left = family(first)
    first.runner.kill()
    first.runner.wait()
    assert len(alive(left)) > 10
    assert command("clean", root=root).returncode == 1

    with starting_stack(root) as second:
        eventually(lambda: cleared_and_starting(second), within=120)
        assert alive(left) == []
        started = family(second)
        assert second.stop() == 0
        assert alive(started) == []
    assert not root.exists()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.xdist_group("stillborn stack")
def test_a_service_that_cannot_start_ends_the_run_with_its_last_words(tmp_path: Path) -> None:
    root = tmp_path / "state"

    failed = command("run", root=root, env={"MAILER_SMTP_URL": "carrier-pigeon://roof"})

    assert failed.returncode == 1
    assert "MAILER_SMTP_URL" in failed.stderr
    assert json.loads((root / "ports.json").read_text(encoding="utf-8"))
    assert not (root / "stack.json").exists()
    assert command("clean", root=root).returncode == 0

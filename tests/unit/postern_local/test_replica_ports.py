import socket
from pathlib import Path

import pytest

from postern_local.directory import StateDirectory
from postern_local.ports import LOOPBACK, OUT_OF_THE_WAY
from postern_local.replica_ports import USUAL, address, draw, drawn


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    directory = StateDirectory(root=tmp_path / "state")
    directory.create()
    return directory


@pytest.fixture(autouse=True)
def _away_from_the_usual_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTERN_PORTS", "any")


def test_every_replica_has_a_port_of_its_own_and_keeps_it(state: StateDirectory) -> None:
    ports = {name: draw(state, name) for name in ("mailer-1", "mailer-2", "mailer-urgent")}

    assert len(set(ports.values())) == 3
    assert set(ports.values()) <= set(OUT_OF_THE_WAY)
    assert {name: draw(state, name) for name in reversed(ports)} == ports == drawn(state)
    assert address(state, "mailer-1") == f"http://127.0.0.1:{ports['mailer-1']}"


def test_a_port_that_was_taken_meanwhile_gives_way_to_another(state: StateDirectory) -> None:
    port = draw(state, "mailer-1")

    with socket.create_server((LOOPBACK, port)):
        assert draw(state, "mailer-1") != port


def test_the_first_stack_has_the_usual_ports(state: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTERN_PORTS")

    assert draw(state, "mailer-1") in USUAL

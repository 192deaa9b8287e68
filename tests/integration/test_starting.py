"""A program that ends while the stack starts, under a real supervisord."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from postern_local.directory import StateDirectory
from postern_local.errors import NotReady, StepFailed
from postern_local.program import Program
from postern_local.readiness import wait_for
from postern_local.start_waiter import Patience
from postern_local.supervision import Supervisor

LONGER_THAN_A_START = 1.2
"""Seconds; after one supervisord takes a program for a running one."""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    state = StateDirectory(root=tmp_path / "state")
    state.create()
    supervisor = Supervisor(state=state)
    daemon = supervisor.launch()
    try:
        wait_for("supervisord", supervisor.is_up, seconds=10)
        yield supervisor
        supervisor.shut_down()
        daemon.wait(timeout=10)
    finally:
        daemon.kill()
        daemon.wait()


def start(supervisor: Supervisor, tmp_path: Path, script: str) -> Patience:
    supervisor.add([Program(name="mailer-1", command=("sh", "-c", script), directory=tmp_path)])
    supervisor.start(["mailer-1"])
    return Patience(supervisor=supervisor, stop=threading.Event())


@pytest.mark.parametrize("seconds", [0, LONGER_THAN_A_START])
def test_a_program_that_ends_is_noticed_however_long_it_took(
    seconds: float, supervisor: Supervisor, tmp_path: Path
) -> None:
    patience = start(supervisor, tmp_path, f"sleep {seconds}; echo no such roof; exit 2")

    with pytest.raises(StepFailed, match=r"(?s)mailer-1 ended.*no such roof"):
        patience.until("mailers", lambda: False, seconds=20)


def test_a_program_that_stays_is_waited_for(supervisor: Supervisor, tmp_path: Path) -> None:
    patience = start(supervisor, tmp_path, "exec sleep 60")

    with pytest.raises(NotReady, match="mailers"):
        patience.until("mailers", lambda: False, seconds=2)

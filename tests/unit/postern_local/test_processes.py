import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from postern_local.processes import ProcessIdentity, end, record, recorded


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def identity(child: subprocess.Popen[bytes]) -> ProcessIdentity:
    found = ProcessIdentity.of(child.pid)
    assert found is not None
    return found


def test_what_was_recorded_is_found_again(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    record(tmp_path / "started.json", [identity(child)])

    (found,) = recorded(tmp_path / "started.json")

    process = found.process()
    assert process is not None
    assert process.pid == child.pid


def test_a_stranger_under_the_same_pid_is_not_ours_and_lives_on(child: subprocess.Popen[bytes]) -> None:
    earlier = ProcessIdentity(pid=child.pid, started=identity(child).started - 60)

    end([earlier], seconds=1)

    assert earlier.process() is None
    assert child.poll() is None


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()

        end([it := identity(stubborn)], seconds=0.2)

        assert it.process() is None


def test_a_process_that_is_gone_has_no_identity() -> None:
    with subprocess.Popen(["true"]) as short:
        short.wait()

    assert ProcessIdentity.of(short.pid) is None


def test_nothing_recorded_is_nothing_left(tmp_path: Path) -> None:
    assert recorded(tmp_path / "started.json") == []

import os
import subprocess
from pathlib import Path

import pytest

from postern_local.orphaned_data import note_owner, sweep
from postern_local.processes import ProcessIdentity


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    directory = tmp_path / "var"
    directory.mkdir()
    return directory


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a state directory has its database."""
    state = tmp_path / "state"
    state.mkdir()
    return state / "postgres"


def data(elsewhere: Path, place: Path, *, lasting: bool) -> Path:
    home = elsewhere / "postern-0123456789ab"
    home.mkdir()
    place.symlink_to(home)
    note_owner(home, place=place, lasting=lasting)
    return home


def made_by_somebody_who_is_gone(home: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    note = (home / "belongs-to.json").read_text(encoding="utf-8")
    own = ProcessIdentity.of(os.getpid())
    assert own is not None
    (home / "belongs-to.json").write_text(
        note.replace(f'"pid": {own.pid}', f'"pid": {process.pid}'), encoding="utf-8"
    )


def test_data_of_a_stack_that_is_stopped_stays(elsewhere: Path, place: Path) -> None:
    home = data(elsewhere, place, lasting=True)

    assert sweep(elsewhere) == []
    assert home.exists()


def test_data_whose_state_directory_was_removed_goes(elsewhere: Path, place: Path) -> None:
    home = data(elsewhere, place, lasting=True)
    place.unlink()

    assert sweep(elsewhere) == [home]
    assert not home.exists()


def test_data_of_a_running_test_stays_and_that_of_a_killed_one_goes(elsewhere: Path, place: Path) -> None:
    home = data(elsewhere, place, lasting=False)
    assert sweep(elsewhere) == []

    made_by_somebody_who_is_gone(home)

    assert sweep(elsewhere) == [home]


def test_data_that_a_server_still_works_on_stays(elsewhere: Path, place: Path) -> None:
    home = data(elsewhere, place, lasting=True)
    place.unlink()
    (home / "data").mkdir()
    (home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home}\n", encoding="utf-8")

    assert sweep(elsewhere) == []


def test_what_has_no_note_is_somebody_elses(elsewhere: Path) -> None:
    (elsewhere / "postern-of-a-stranger").mkdir()

    assert sweep(elsewhere) == []

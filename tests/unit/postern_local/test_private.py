import stat
from pathlib import Path

import pytest

from postern_local.directory import StateDirectory, write_private
from postern_local.errors import UnsafeDirectory
from postern_local.passwords import Passwords
from postern_local.private import make_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_laid_out_by_a_stranger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trap").symlink_to(tmp_path)

    with pytest.raises(UnsafeDirectory):
        make_private(tmp_path / "trap")


def test_a_directory_of_our_own_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir(mode=0o755)

    make_private(tmp_path / "ours")

    assert mode(tmp_path / "ours") == 0o700


def test_a_private_file_is_for_its_owner_only_and_leaves_no_draft(tmp_path: Path) -> None:
    write_private(tmp_path / "stack.json", "{}")

    assert mode(tmp_path / "stack.json") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]


def test_others_may_pass_through_the_state_directory_but_read_nothing(tmp_path: Path) -> None:
    state = StateDirectory(root=tmp_path / "state")

    state.create()

    assert mode(state.root) == 0o711
    assert {mode(path) for path in state.root.iterdir()} == {0o700}


def test_passwords_are_made_once_and_differ(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"

    first = Passwords.load_from(path)

    assert Passwords.load_from(path) == first
    assert first.broker_admin != first.broker_auth
    assert mode(path) == 0o600

from pathlib import Path

import pytest

from postern_local.errors import AlreadyRunning
from postern_local.lock import held, is_held


def test_a_second_holder_is_told_so(tmp_path: Path) -> None:
    with held(tmp_path / "lock"), pytest.raises(AlreadyRunning), held(tmp_path / "lock"):
        pass


def test_a_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    with held(path):
        assert is_held(path)
    assert not is_held(path)

from pathlib import Path

import pytest
from click.testing import CliRunner

from postern_local.cli import main


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """No stack runs in this state directory, and there is no Docker to look for another."""
    return CliRunner(env={"POSTERN_STATE": str(tmp_path / "state"), "PATH": str(tmp_path)})


@pytest.mark.parametrize("setting", ["mailer=many", "mailer", "relay=2", "mailer=-1", "mailer=1000", "api=0"])
def test_a_number_of_replicas_that_makes_no_sense_is_refused(runner: CliRunner, setting: str) -> None:
    assert runner.invoke(main, ["scale", setting]).exit_code == 2


def test_scaling_without_a_stack_says_how_to_start_one(runner: CliRunner) -> None:
    result = runner.invoke(main, ["scale", "mailer=3"])

    assert result.exit_code == 1
    assert "make run" in result.output


def test_clean_without_data_is_no_error(runner: CliRunner) -> None:
    assert runner.invoke(main, ["clean"]).exit_code == 0


def test_clean_leaves_what_is_not_the_stacks_own(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "state" / "run").mkdir(parents=True)
    (tmp_path / "state" / "notes.txt").write_text("mine", encoding="utf-8")

    assert runner.invoke(main, ["clean"]).exit_code == 0

    assert [path.name for path in (tmp_path / "state").iterdir()] == ["notes.txt"]

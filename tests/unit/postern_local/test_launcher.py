import subprocess
from pathlib import Path

import pytest

from postern_local.program import Program
from postern_local.supervisor_config import launcher_text


@pytest.mark.parametrize(
    "value", ["plain", "with 'quotes' and \"more\"", "50 % ; # $HOME `id`", "two\nlines", ""]
)
def test_a_program_gets_its_variables_and_arguments_as_they_were_written(value: str, tmp_path: Path) -> None:
    program = Program(
        name="echo",
        command=("sh", "-c", 'printf "%s|%s" "$SECRET" "$1"', "sh", value),
        directory=tmp_path,
        environment={"SECRET": value},
    )

    done = subprocess.run(["sh", "-c", launcher_text(program)], capture_output=True, text=True, check=True)

    assert done.stdout == f"{value}|{value}"


def test_the_launcher_becomes_the_program_so_that_the_pid_is_its_own(tmp_path: Path) -> None:
    program = Program(name="pid", command=("sh", "-c", "echo $$"), directory=tmp_path)
    launcher = tmp_path / "pid.sh"
    launcher.write_text(launcher_text(program), encoding="utf-8")

    with subprocess.Popen(["sh", str(launcher)], stdout=subprocess.PIPE, text=True) as process:
        printed, _ = process.communicate()

    assert int(printed) == process.pid

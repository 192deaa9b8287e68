"""Clients that others' generators make of `/openapi.json`: their types hold, and they walk through a whole account."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from support.people import addresses
from support.stack import Stack

CLIENTS = Path(__file__).parents[1] / "clients"
NPM = CLIENTS / "node_modules" / ".bin"
COMMANDS = Path(sys.executable).parent
# What is made of the description is checked; client.py is the generator's own, the same for all, and hands on `object`.
TYPES = """
[mypy]
strict = true
[mypy-postern_client.client]
ignore_errors = true
"""
STRICTLY = (
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
    "--skipLibCheck",
    *("--target", "es2022", "--module", "nodenext", "--types", "node", "--outDir", "."),
)

pytestmark = pytest.mark.slow


@pytest.fixture
def description(stack: Stack, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{stack.api}/openapi.json").raise_for_status().content)
    return path


def run(
    *command: str | Path, directory: Path, variables: Mapping[str, str | Path] | None = None
) -> Sequence[str]:
    """Run it to its end; give back the lines of what it says."""
    found = os.pathsep.join([str(COMMANDS), os.environ["PATH"]])  # ruff, which a generator calls
    done = subprocess.run(
        [str(word) for word in command],
        cwd=directory,
        env=os.environ | {"PATH": found} | {name: str(value) for name, value in (variables or {}).items()},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (done.stdout + done.stderr).splitlines()


def test_a_client_by_openapi_python_client_type_checks_and_walks_through_an_account(
    stack: Stack, description: Path
) -> None:
    here = description.parent
    generator = COMMANDS / "openapi-python-client"
    said = run(
        generator,
        "generate",
        *("--path", description, "--output-path", here / "postern_client", "--meta", "none"),
        directory=here,
    )
    assert len(said) == 1, said  # no warnings
    walk = CLIENTS / "walk.py"
    (here / "mypy.ini").write_text(TYPES, encoding="utf-8")
    mypy = (sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", here / "types")
    run(*mypy, here / "postern_client", walk, directory=here, variables={"MYPYPATH": here})
    (email,) = addresses(1)
    run(sys.executable, walk, stack.api, stack.inbox, email, directory=here, variables={"PYTHONPATH": here})


def test_types_by_openapi_typescript_fit_a_stock_client_that_walks_through_an_account(
    stack: Stack, description: Path
) -> None:
    here = description.parent
    (here / "node_modules").symlink_to(NPM.parent)
    (here / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (here / "walk.ts").write_bytes((CLIENTS / "walk.ts").read_bytes())
    run(NPM / "openapi-typescript", description, "--output", here / "postern.ts", directory=here)
    run(NPM / "tsc", *STRICTLY, "walk.ts", "postern.ts", directory=here)
    (email,) = addresses(1)
    run("node", here / "walk.js", stack.api, stack.inbox, email, directory=here)

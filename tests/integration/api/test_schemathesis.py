"""Whatever anybody may send gets what the description says: Schemathesis, all checks, on the running API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration.api.conftest import RunApi
from support.auth_api import AuthApi
from support.database import Database
from support.people import PASSWORD
from support.signed_in import add_account

COMMAND = Path(sys.executable).parent / "schemathesis"
CONFIGURATION = Path(__file__).parents[2] / "fuzzing" / "schemathesis.toml"
EMAIL = "somebody@example.com"
"""Neither this nor the password is an example of the description: what is sent must not change or end the account."""
SECONDS = os.environ.get("POSTERN_SCHEMATHESIS_SECONDS", "20")


@pytest.mark.slow
@pytest.mark.timeout(int(SECONDS) * 3 + 120)
def test_nothing_sent_to_the_api_is_answered_otherwise_than_described(
    run_api: RunApi, auth_database: Database
) -> None:
    add_account(AuthApi.on(auth_database.url), EMAIL, PASSWORD)
    with run_api() as api:
        options = ("--checks", "all", "--max-time", SECONDS)
        done = subprocess.run(
            [COMMAND, "--config-file", CONFIGURATION, "run", f"{api.url}/openapi.json", *options],
            cwd=CONFIGURATION.parent,
            env=os.environ | {"POSTERN_API": api.url, "POSTERN_EMAIL": EMAIL, "POSTERN_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]

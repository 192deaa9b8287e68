"""The API as its own processes, on sockets: what a server is asked that no test client of Flask can ask."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from auth_service.cli.keys import HASH_KEY, SIGNING_PRIVATE, TOKEN_KEYS, write_keys
from mail_contract.keys import generate_sealing_keys
from postern_local.ports import LOOPBACK, any_ports
from postern_local.readiness import http_answers
from support.auth_process import AuthProcess, auth_process
from support.database import Database
from support.eventually import eventually
from support.no_limits import NO_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApi:
    """An API with its children.

    Attributes:
        process: the master.
        port: for everybody.
        ops_port: for operators.
    """

    process: AuthProcess
    port: int
    ops_port: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def ops(self) -> str:
        return f"http://{LOOPBACK}:{self.ops_port}"

    def children(self) -> set[int]:
        """Pids."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}


RunApi = Callable[..., AbstractContextManager[RunningApi]]


@pytest.fixture
def run_api(auth_database: Database, tmp_path: Path) -> RunApi:
    """Starts an API with two children; its arguments are settings."""

    @contextmanager
    def run(**settings: str) -> Iterator[RunningApi]:
        write_keys(tmp_path / "keys")
        ports = any_ports({})
        address = f"{LOOPBACK}:{ports['api']}"
        usual = {
            "AUTH_DATABASE_URL": auth_database.url,
            "AUTH_PUBLIC_URL": f"http://{address}",
            "AUTH_LISTEN": address,
            "AUTH_OPS_LISTEN": f"{LOOPBACK}:{ports['ops']}",
            "AUTH_API_WORKERS": "2",
            "AUTH_SIGNING_KEY_FILE": str(tmp_path / "keys" / SIGNING_PRIVATE),
            "AUTH_HASH_KEY_FILE": str(tmp_path / "keys" / HASH_KEY),
            "AUTH_TOKEN_KEYS_FILE": str(tmp_path / "keys" / TOKEN_KEYS),
            "AUTH_SEALING_PUBLIC_KEYS": generate_sealing_keys()[1],
            "AUTH_PROMETHEUS_DIR": str(tmp_path / "metrics"),
            **NO_LIMITS,
        }
        with auth_process("api", {**usual, **settings}, tmp_path / "api.log") as process:
            running = RunningApi(process=process, port=ports["api"], ops_port=ports["ops"])
            # One child may answer before the other has begun.
            eventually(lambda: len(running.children()) == 2, within=30)
            eventually(lambda: http_answers(f"{running.ops}/healthz"), within=30)
            yield running

    return run


@pytest.fixture
def api(run_api: RunApi) -> Iterator[RunningApi]:
    with run_api() as running:
        yield running

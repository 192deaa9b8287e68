"""The API as a process: one master, children that serve, an orderly end."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from auth_service.processes.keys import HASH_KEY, SIGNING_PRIVATE, write_keys
from mail_contract.keys import generate_sealing_keys
from postern_local.ports import any_ports
from support.auth_process import AuthProcess, auth_process
from support.database import Database
from support.eventually import eventually
from support.no_limits import NO_LIMITS


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{any_ports({})['api']}"


@pytest.fixture
def api(auth_database: Database, address: str, tmp_path: Path) -> Iterator[AuthProcess]:
    write_keys(tmp_path / "keys")
    settings = {
        "AUTH_DATABASE_URL": auth_database.url,
        "AUTH_PUBLIC_URL": f"http://{address}",
        "AUTH_LISTEN": address,
        "AUTH_API_WORKERS": "2",
        "AUTH_SIGNING_KEY_FILE": str(tmp_path / "keys" / SIGNING_PRIVATE),
        "AUTH_HASH_KEY_FILE": str(tmp_path / "keys" / HASH_KEY),
        "AUTH_SEALING_PUBLIC_KEYS": generate_sealing_keys()[1],
        "AUTH_PROMETHEUS_DIR": str(tmp_path / "metrics"),
        **NO_LIMITS,
    }
    with auth_process("api", settings, tmp_path / "api.log") as process:
        # One child may answer before the other has begun.
        eventually(lambda: len(psutil.Process(process.pid).children()) == 2, within=30)
        eventually(lambda: answers(f"http://{address}/healthz"), within=30)
        yield process


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_the_commands_own_process_is_the_master_of_its_children(api: AuthProcess, address: str) -> None:
    children = psutil.Process(api.pid).children()

    assert len(children) == 2
    assert answers(f"http://{address}/readyz")
    assert all(event["service"] == "auth-api" for event in api.events())


def test_a_child_that_dies_is_replaced(api: AuthProcess, address: str) -> None:
    children = {child.pid for child in psutil.Process(api.pid).children()}
    os.kill(min(children), 9)

    eventually(
        lambda: len({child.pid for child in psutil.Process(api.pid).children()} - {min(children)}) == 2
    )
    eventually(lambda: answers(f"http://{address}/healthz"))


def test_whichever_child_is_asked_the_metrics_are_of_all(api: AuthProcess, address: str) -> None:
    for _ in range(20):  # each on a connection of its own, so that both children get some
        httpx.get(f"http://{address}/v1/receipts/unknown")
    counted = 'auth_http_requests_total{method="GET",route="/v1/receipts/<receipt>",status="404"} 20.0'

    assert all(counted in httpx.get(f"http://{address}/metrics").text for _ in range(10))
    assert api.is_running


def test_asked_to_stop_it_ends_with_its_children(api: AuthProcess, address: str) -> None:
    children = psutil.Process(api.pid).children()

    assert api.stop() == 0

    assert not any(child.is_running() for child in children)
    assert not answers(f"http://{address}/healthz")

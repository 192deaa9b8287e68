"""Two API processes on one database admit together exactly what the limits say."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from postern_local.ports import any_ports
from support.altcha_client import solve
from support.auth_api import WRITER_SETTINGS, AuthApi
from support.auth_process import auth_process
from support.certificates import NOBODY
from support.database import Database
from support.eventually import eventually
from support.limited_api import registration
from support.no_limits import NO_LIMITS
from support.tokens import TOKEN_KEYS

LIMITS = {"AUTH_LIMIT_MAILBOX": "2/minute", "AUTH_LIMIT_ALL": "60/minute", "AUTH_PROOF_TRIES": "100"}


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2, verify=NOBODY).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def apis(auth_database: Database, tmp_path: Path) -> Iterator[list[str]]:
    with ExitStack() as running:
        urls = []
        for number in range(2):
            ports = any_ports({})
            listen = f"127.0.0.1:{ports['api']}"
            settings = {
                **WRITER_SETTINGS,
                **NO_LIMITS,
                **LIMITS,
                "AUTH_DATABASE_URL": auth_database.url,
                "AUTH_LISTEN": listen,
                "AUTH_OPS_LISTEN": f"127.0.0.1:{ports['ops']}",
                "AUTH_API_WORKERS": "1",
                "AUTH_HASH_WAIT_SECONDS": "10",
                "AUTH_TOKEN_KEYS": TOKEN_KEYS,
            }
            running.enter_context(auth_process("api", settings, tmp_path / f"api-{number}.log"))
            urls.append(f"http://{listen}")
        eventually(lambda: all(map(answers, urls)), within=60)
        yield urls


def test_fifty_at_once_are_exactly_as_many_letters_and_proofs_as_one_process_would_admit(
    apis: list[str], auth_database: Database
) -> None:
    def post(number: int, body: dict[str, str]) -> httpx.Response:
        return httpx.post(f"{apis[number % 2]}/v1/registrations", json=body, timeout=60, verify=NOBODY)

    with ThreadPoolExecutor(50) as pool:
        same = list(pool.map(post, range(50), [registration("linh@example.com") for _ in range(50)]))
        others = list(pool.map(post, range(20), [registration() for _ in range(20)]))

    # A busy machine tells some to come back, but lets no more in.
    statuses = [answer.status_code for answer in (*same, *others)]
    assert set(statuses) <= {202, 428, 503}
    assert statuses.count(428) == 10
    api = AuthApi.on(auth_database.url)
    accepted = (
        "SELECT count(*) FROM letters JOIN registrations ON registrations.id = registration_id"
        " WHERE email = 'linh@example.com' AND state = 'accepted'"
    )
    assert api.sql(accepted) == [(2,)]

    proof = solve(next(answer.json() for answer in (*same, *others) if answer.status_code == 428))
    with ThreadPoolExecutor(10) as pool:
        replayed = list(pool.map(post, range(10), [registration(proof=proof) for _ in range(10)]))
    assert sorted(answer.status_code for answer in replayed) == [202] + [428] * 9

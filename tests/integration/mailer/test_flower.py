"""Flower: behind its login, showing replicas and tasks, never what a letter says."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postern_local.ports import any_ports
from support.eventually import eventually
from support.mailroom import COMMAND, Mailroom
from support.outgoing import CODE, LINK

LOGIN = ("operator", "a password of the tests")
AN = "canary.person@example.org"


@pytest.fixture
def flower(busy_room: Mailroom, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a running Flower, without its login."""
    listen = f"127.0.0.1:{any_ports({})['flower']}"
    settings = {
        "PATH": os.environ["PATH"],
        "MAILER_FLOWER_BROKER_URL": busy_room.broker.url("flower"),
        "MAILER_FLOWER_BROKER_API_URL": busy_room.broker.api_url("flower"),
        "MAILER_FLOWER_LISTEN": listen,
        "MAILER_FLOWER_LOGIN": ":".join(LOGIN),
        "MAILER_FLOWER_COOKIE_SECRET": "x" * 40,
    }
    log = tmp_path / "flower.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(COMMAND), "flower"], env=settings, stdout=output, stderr=subprocess.STDOUT
        )
    with httpx.Client(base_url=f"http://{listen}") as client:

        def answers() -> bool:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            try:
                return client.get("/healthcheck").is_success
            except httpx.TransportError:
                return False

        try:
            eventually(answers, within=30)
            yield client
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=15) == 0
        finally:
            process.kill()
            process.wait()
            words = log.read_text(encoding="utf-8")
            print(words)
    assert LOGIN[1] not in words


def test_flower_shows_replicas_and_tasks_to_its_operator_and_nothing_of_a_letter(
    flower: httpx.Client, busy_room: Mailroom
) -> None:
    for path in ("/", "/workers", "/tasks", "/api/workers", "/api/tasks"):
        assert flower.get(path).status_code == 401, path
    flower.auth = LOGIN
    eventually(lambda: len(flower.get("/api/workers?refresh=1").json()) == 1, within=20)
    letter_id = busy_room.post(busy_room.seal(AN))
    eventually(lambda: str(letter_id) in flower.get("/api/tasks").json(), within=20)
    assert flower.get("/api/tasks").json()[str(letter_id)]["name"] == "mailer.deliver_letter"
    eventually(lambda: flower.get(f"/api/task/info/{letter_id}").json()["state"] == "SUCCESS")
    (worker,) = flower.get("/api/workers").json()
    for queue in ("mailer.urgent", "mailer.wait.10s", "mailer.dead"):
        assert queue in flower.get("/broker").text
    pages = [
        flower.get(path).text
        for path in ("/api/tasks", f"/api/task/info/{letter_id}", f"/task/{letter_id}", f"/worker/{worker}")
    ]
    for secret in (AN, "canary", LINK, CODE, "sealed_part"):
        assert [page for page in pages if secret in page] == []
    assert "(sealed)" in pages[0]

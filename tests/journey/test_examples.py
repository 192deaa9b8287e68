"""The examples of docs/integrate.md, each as a process of its own, as the page says to start it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from postern_local.ports import LOOPBACK, any_ports
from support.eventually import eventually
from support.people import PASSWORD, Mailbox, addresses
from support.stack import Stack

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
COMMANDS = {
    "fastapi": ("uvicorn", "fastapi_app:app", "--port"),
    "flask": ("flask", "--app", "flask_app", "run", "--port"),
    "django": ("django_app.py", "runserver", "--noreload"),
}

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Their addresses."""

    fastapi: str
    flask: str
    django: str


def guards(url: str) -> bool:
    """Whether it is up and lets in nobody without a token."""
    try:
        return httpx.get(f"{url}/orders").status_code == 401
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def examples(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examples]:
    log = tmp_path_factory.mktemp("examples") / "log"
    ports = dict(zip(COMMANDS, any_ports({}).values(), strict=False))
    urls = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
    with ExitStack() as running, log.open("wb") as output:
        for name, (first, *rest) in COMMANDS.items():
            program = [first] if first.endswith(".py") else ["-m", first]
            process = running.enter_context(
                subprocess.Popen(
                    [sys.executable, *program, *rest, str(ports[name])],
                    cwd=EXAMPLES,
                    env={"POSTERN_URL": stack.api, "PYTHONDONTWRITEBYTECODE": "1"},
                    stdout=output,
                    stderr=output,
                )
            )
            running.callback(process.kill)
        for url in urls.values():
            eventually(lambda url=url: guards(url), within=60)  # type: ignore[misc]
        yield Examples(**urls)


def test_a_person_signs_up_comes_back_sees_what_is_theirs_and_signs_out(
    examples: Examples, mailbox: Mailbox
) -> None:
    (email,) = addresses(1)
    credentials = {"email": email, "password": PASSWORD}
    with httpx.Client(base_url=examples.fastapi, timeout=30) as shop:
        assert shop.get("/orders").status_code == 401
        too_short = shop.post("/sign-up", json={"email": email, "password": "short"})
        assert (too_short.status_code, too_short.json()["errors"][0]["pointer"]) == (422, "#/password")
        assert shop.post("/sign-up", json=credentials).status_code == 202
        early = shop.post("/sign-in", json=credentials)
        assert (early.status_code, early.json()["code"]) == (401, "refused_sign_in")
        (letter,) = mailbox.wait_for(email)
        assert shop.post("/confirm", json={"code": letter.code}).status_code == 200
        assert shop.get("/orders").status_code == 401
        assert shop.post("/sign-in", json=credentials).status_code == 200
        assert shop.get("/orders").json()["account"]
        assert shop.post("/sign-out").status_code == 204
        assert shop.get("/orders").status_code == 401


def test_every_example_takes_our_access_tokens_and_nothing_else(
    stack: Stack, examples: Examples, mailbox: Mailbox
) -> None:
    (email,) = addresses(1)
    with httpx.Client(base_url=stack.api, timeout=30) as api:
        registration = {"email": email, "password": PASSWORD}
        secret = api.post("/v1/registrations", json=registration).json()["registration_secret"]
        (letter,) = mailbox.wait_for(email)
        proof = {"token": letter.token, "registration_secret": secret}
        assert api.post("/v1/verifications", json=proof).status_code == 200
        token = api.post("/v1/sessions", json=registration).json()["access_token"]
        account = api.get("/v1/account", headers={"Authorization": f"Bearer {token}"}).json()["id"]
    head, body, signature = token.split(".")
    bad = ["", "x", f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", f"eyJhbGciOiJub25lIn0.{body}."]
    for url in (f"{examples.fastapi}/api/orders", f"{examples.flask}/orders", f"{examples.django}/orders"):
        answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.json() == {"account": account, "orders": []}, url
        for wrong in bad:
            refused = httpx.get(url, headers={"Authorization": f"Bearer {wrong}".strip()}, timeout=30)
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), url

"""Two OAuth clients that nobody here wrote sign a person in: Authlib's in Flask, and `openid-client` in Node."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import flask
import pytest
from authlib.integrations.flask_client import OAuth
from werkzeug.serving import make_server

from auth_service.application_settings import parse_applications
from support.applications import BACK, LOOPBACK, REGISTERED, SECRET
from support.auth_api import AuthApi
from support.database import Database
from support.signed_in import add_account
from support.visitor import Visitor

EMAIL = "linh@example.com"
CLIENTS = Path(__file__).parents[2] / "clients"

pytestmark = pytest.mark.slow


@pytest.fixture
def gate(auth_database: Database) -> Iterator[tuple[AuthApi, str]]:
    """An API with an address, for clients call it by themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        api = AuthApi.on(
            auth_database.url,
            owner_url=auth_database.migrator_url,
            applications=parse_applications(json.dumps(REGISTERED)),
            public_url=url,
        )
        server = make_server("127.0.0.1", 0, api.app, threaded=True, fd=listener.fileno())
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield api, url
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def browser(gate: tuple[AuthApi, str]) -> Visitor:
    api, _ = gate
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.sign_in(EMAIL)
    return visitor


def sent_back(browser: Visitor, address: str, url: str) -> str:
    """Where the browser is led that is sent to the gate."""
    assert address.startswith(f"{url}/v1/authorize?")
    answer = browser.look(address.removeprefix(url))
    if answer.status_code == 200:  # A program on the person's device waits: they press.
        answer = browser.post(address.removeprefix(url), **browser.hidden("/v1/authorize"))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def shop(url: str) -> flask.Flask:
    """An application with Authlib's client, as its documentation has it."""
    app = flask.Flask("shop")
    app.secret_key = "only for this test"
    oauth = OAuth(app)
    postern = oauth.register(
        "postern",
        server_metadata_url=f"{url}/.well-known/oauth-authorization-server",
        client_id="shop",
        client_secret=SECRET,
        client_kwargs={"code_challenge_method": "S256"},
    )

    @app.get("/login")
    def login() -> Any:
        return postern.authorize_redirect(BACK)

    @app.get("/back")
    def back() -> Any:
        token = postern.authorize_access_token()
        account = postern.get(f"{url}/v1/account", token=token)
        return {"account": account.json(), "token": token}

    return app


def test_authlibs_flask_client_signs_a_person_in(gate: tuple[AuthApi, str], browser: Visitor) -> None:
    _, url = gate
    client = shop(url).test_client()
    location = sent_back(browser, client.get("/login").headers["Location"], url)
    answer = client.get(location.removeprefix("https://shop.example"))
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["account"]["email"] == EMAIL
    assert answer.get_json()["token"]["refresh_token"]


@pytest.mark.parametrize(
    "registered",
    [
        ("shop", SECRET, BACK, "https://api.shop.example"),
        ("phone", "", LOOPBACK.replace("127.0.0.1", "127.0.0.1:49152"), "phone"),
    ],
)
def test_openid_client_signs_a_person_in(
    gate: tuple[AuthApi, str], browser: Visitor, registered: tuple[str, str, str, str]
) -> None:
    _, url = gate
    client_id = registered[0]
    command = ["node", "openid_client.mjs", url, *registered]
    with subprocess.Popen(
        command, cwd=CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        try:
            address = json.loads(node.stdout.readline())["address"]
            node.stdin.write(sent_back(browser, address, url) + "\n")
            node.stdin.flush()
            found, replayed = (json.loads(node.stdout.readline()) for _ in range(2))
            assert node.wait(timeout=30) == 0
        finally:
            node.kill()
    assert (found["client_id"], found["account"]["email"]) == (client_id, EMAIL)
    assert found["subject"] == found["account"]["id"]
    assert replayed == {"replay": "invalid_grant", "after": "invalid_grant"}

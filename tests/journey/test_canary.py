"""A canary run: what is secret is seeded, then looked for everywhere an operator, a backup or an intruder could look."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import httpx
import psycopg2
import pytest

from mail_contract.topology import TOPOLOGY
from postern_rabbitmq.admin import BrokerAdmin
from support.eventually import eventually
from support.people import Gate, Mailbox, addresses
from support.stack import Stack

PASSWORD = "canary-Zk3v-password-of-a-person"


@pytest.fixture(scope="module")
def secrets(gate: Gate, mailbox: Mailbox) -> dict[str, str]:
    """Seeds one registration and returns everything about it that must not be found, by name."""
    (address,) = addresses(1)
    gate.register(address, password=PASSWORD)
    (letter,) = mailbox.wait_for(address)
    gate.verify(of=address, code="00000000")
    assert gate.verify(of=address, token=letter.token).status_code == 200
    body = {"email": address, "password": PASSWORD}
    session = gate.http.post("/v1/sessions", json=body).json()
    refresh = {"refresh_token": session["refresh_token"]}
    later = gate.http.post("/v1/sessions/refresh", json=refresh).json()
    bearer = {"Authorization": f"Bearer {later['access_token']}"}
    assert gate.http.get("/v1/sessions", headers=bearer).status_code == 200
    assert gate.http.post("/v1/sessions", json=body | {"password": f"x{PASSWORD}"}).status_code == 401
    local, _, domain = address.partition("@")
    return {
        "access token": later["access_token"],
        "refresh token": session["refresh_token"],
        "successor": later["refresh_token"],
        "password": PASSWORD,
        "token": letter.token,
        "code": letter.code,
        "registration secret": gate.secrets[address],
        "address": address,
        "local part": local,
        "domain in punycode": f"{local}@{domain.encode('idna').decode()}",
    }


def leaks(secrets: dict[str, str], text: str) -> list[str]:
    """Names of the secrets the text shows: as they are, as JSON escapes them, as a URL does."""
    return [
        name
        for name, value in secrets.items()
        if any(form in text for form in (value, json.dumps(value)[1:-1], quote(value)))
    ]


def rows(url: str) -> Iterator[tuple[str, str]]:
    """Every table of the database, as text."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM public.\"{table}\" t")
            (text,) = cursor.fetchone() or ("",)
            yield table, text
    connection.close()


@pytest.fixture(scope="module")
def failed_statements(stack: Stack, gate: Gate, secrets: dict[str, str]) -> None:
    """Statements with her address end in a lock not had, a row that is there already, and a cancellation."""
    url = stack.database["auth"]
    with psycopg2.connect(url) as lock, lock.cursor() as cursor:
        cursor.execute("LOCK accounts, registrations")
        request = {"email": secrets["address"], "password": PASSWORD}
        assert gate.http.post("/v1/registrations", json=request).status_code == 503
        # The API gives up a little earlier than its statement does.
        eventually(lambda: "due to lock timeout" in stack.logs(), within=15)
    lock.close()
    again = "INSERT INTO accounts SELECT (a).* FROM (SELECT a FROM accounts a WHERE email = %s) AS it"
    for error, statement in (
        (psycopg2.errors.UniqueViolation, again),
        (psycopg2.errors.QueryCanceled, "SET statement_timeout = 50; SELECT pg_sleep(5), %s"),
    ):
        with closing(psycopg2.connect(url)) as connection, pytest.raises(error):
            connection.cursor().execute(statement, (secrets["address"],))


@pytest.mark.usefixtures("failed_statements")
def test_no_log_shows_a_secret(stack: Stack, secrets: dict[str, str]) -> None:
    logs = stack.logs()
    assert "letter" in logs
    for words in ("due to lock timeout", "duplicate key value", "due to statement timeout"):
        assert words in logs
    assert leaks(secrets, logs) == []


def test_auth_keeps_the_address_in_its_account_and_registration_and_no_secret_anywhere(
    stack: Stack, secrets: dict[str, str]
) -> None:
    for table, text in rows(stack.database["auth"]):
        found = set(leaks(secrets, text))
        if table in {"accounts", "registrations"}:
            found -= {"address", "local part", "domain in punycode"}
        assert not found, table


def test_the_mailers_ledger_shows_neither_address_nor_secret(stack: Stack, secrets: dict[str, str]) -> None:
    for table, text in rows(stack.database["mailer"]):
        assert leaks(secrets, text) == [], table


def test_nothing_on_the_broker_shows_a_secret(stack: Stack, gate: Gate, mailbox: Mailbox) -> None:
    """With the mailer's replicas frozen, letters lie in the outbox's way and in the queues: look into each."""
    (address,) = addresses(1)
    local = address.partition("@")[0]
    with stack.frozen("mailer", "mailer-urgent"), BrokerAdmin(stack.rabbitmq_admin) as admin:
        gate.wait_until(gate.register(address), "queued")
        shown = "".join(
            json.dumps(
                admin.post(
                    "queues",
                    "postern",
                    queue,
                    "get",
                    body={"count": 100, "ackmode": "ack_requeue_true", "encoding": "auto"},
                ),
                ensure_ascii=False,
            )
            for queue in TOPOLOGY.queues
        )
    (letter,) = mailbox.wait_for(address, within=40)
    assert (
        leaks({"address": address, "local part": local, "token": letter.token, "code": letter.code}, shown)
        == []
    )


def test_flower_shows_the_task_and_no_secret(stack: Stack, secrets: dict[str, str]) -> None:
    def shown() -> str:
        with httpx.Client(base_url=stack.flower, auth=stack.flower_login, timeout=10) as flower:
            texts = [
                flower.get(path).text
                for path in ("/api/tasks?limit=10000", "/tasks", "/workers", "/api/workers")
            ]
            texts += [
                flower.get(f"/task/{task_id}").text for task_id in flower.get("/api/tasks?limit=20").json()
            ]
        assert "mailer.deliver_letter" in texts[0]
        return "".join(texts)

    assert leaks(secrets, eventually(shown, within=20)) == []


def test_no_process_shows_a_secret_on_its_command_line(stack: Stack) -> None:
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    for name, value in stack.passwords().items():
        assert value not in lines, name

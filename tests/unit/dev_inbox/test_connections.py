from __future__ import annotations

import smtplib

import httpx
import pytest

from dev_inbox.script import Phase, Rule
from dev_inbox.server import Inbox
from support.eventually import eventually
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter


def test_connections_are_counted(http: httpx.Client, connect: Connect) -> None:
    first, second = connect(), connect()
    for client in (first, first, second):
        client.sendmail(SENDER, ["an@example.org"], letter())
    second.quit()

    def counted() -> None:
        seen = http.get("/api/connections").json()
        assert (seen["opened"], seen["open"], seen["most_open"]) == (2, 1, 2)
        assert [connection["messages"] for connection in seen["connections"]] == [1, 2]

    eventually(counted)


def test_a_connection_tells_how_it_was_used(http: httpx.Client, connect: Connect) -> None:
    connect().sendmail(SENDER, ["an@example.org"], letter())
    (seen,) = http.get("/api/connections").json()["connections"]
    assert seen == {
        "number": 1,
        "opened_at": seen["opened_at"],
        "closed_at": None,
        "messages": 1,
        "commands": {"EHLO": 1, "MAIL": 1, "RCPT": 1, "DATA": 1},
        "pipelined": False,
        "tls": None,
        "tls_before_mail": False,
        "handshake_failed": False,
        "logins_in_clear": 0,
        "authenticated": False,
        "turned_away": False,
    }


def test_counting_starts_again_with_the_connections_that_are_open(
    http: httpx.Client, connect: Connect
) -> None:
    client = connect()
    client.sendmail(SENDER, ["an@example.org"], letter())
    assert http.delete("/api/connections").status_code == 204
    client.sendmail(SENDER, ["an@example.org"], letter())
    seen = http.get("/api/connections").json()
    assert (seen["opened"], seen["open"], seen["most_open"]) == (0, 1, 1)
    assert [connection["messages"] for connection in seen["connections"]] == [1]


def test_a_refused_letter_does_not_count_for_its_connection(
    inbox: Inbox, http: httpx.Client, connect: Connect
) -> None:
    inbox.play(Rule(phase=Phase.DOT, reply="451 4.3.0 Later"))
    with pytest.raises(smtplib.SMTPDataError):
        connect().sendmail(SENDER, ["an@example.org"], letter())
    assert http.get("/api/connections").json()["connections"][0]["messages"] == 0

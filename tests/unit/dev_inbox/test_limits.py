from __future__ import annotations

import smtplib
from collections.abc import Iterator

import httpx
import pytest

from dev_inbox.script import Action, Phase, Rule
from dev_inbox.server import Inbox
from dev_inbox.state import RateLimiter
from support.eventually import eventually
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox(max_connections=2, max_messages_per_second=3) as running:
        yield running


def send(client: smtplib.SMTP) -> None:
    client.sendmail(SENDER, ["an@example.org"], letter())


def test_a_connection_too_many_is_turned_away(inbox: Inbox, connect: Connect) -> None:
    served = connect(), connect()
    for _ in range(3):
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            connect()
        assert (refused.value.smtp_code, refused.value.smtp_error) == (421, b"4.7.0 Too many connections")
    assert [connection.turned_away for connection in inbox.connections()] == [True] * 3 + [False] * 2
    assert inbox.totals().turned_away == 3
    for client in served:
        send(client)


def test_a_place_that_was_given_up_is_free_again(inbox: Inbox, connect: Connect) -> None:
    connect().quit()
    connect()
    eventually(lambda: inbox.connections()[-1].closed_at)
    send(connect())


def test_a_letter_too_many_in_a_second_is_refused(inbox: Inbox, http: httpx.Client, connect: Connect) -> None:
    first, second = connect(), connect()
    replies = []
    for client in (first, second) * 3:
        client.ehlo_or_helo_if_needed()
        replies.append(client.mail(SENDER)[0])
        client.rset()
    assert replies[:3] == [250, 250, 250]
    assert replies.count(450) == inbox.totals().throttled == http.get("/api/connections").json()["throttled"]
    assert replies.count(450) > 0


def test_a_rate_admits_so_many_in_any_second() -> None:
    now = 0.0
    rate = RateLimiter(2, clock=lambda: now)
    admitted = []
    for now in (0.0, 0.5, 0.9, 1.0, 1.4, 1.5, 1.9, 2.0):
        if rate.admit():
            admitted.append(now)  # noqa: PERF401 - the loop is the clock
    assert admitted == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_without_a_limit_everything_is_admitted() -> None:
    rate = RateLimiter(None)
    assert all(rate.admit() for _ in range(10_000))


def test_a_script_ends_a_connection_after_so_many_letters(inbox: Inbox, connect: Connect) -> None:
    inbox.play(
        Rule(phase=Phase.MAIL, after_messages=2, reply="421 4.7.0 Enough for one", action=Action.CLOSE)
    )
    client = connect()
    send(client)
    send(client)
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send(client)
    assert refused.value.smtp_code == 421
    send(connect())
    assert [connection.messages for connection in inbox.connections()] == [1, 2]


def test_a_script_flaps(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.MAIL, every=2, reply="421 4.3.2 Down", times=2))
    client = connect()
    client.ehlo()
    heard = []
    for _ in range(5):
        heard.append(client.mail(SENDER)[0])
        client.rset()
    assert heard[1] == heard[3] == 421
    assert heard[0] == heard[2] == heard[4] == 250

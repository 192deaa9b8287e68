from __future__ import annotations

import base64
import smtplib
from collections.abc import Iterator

import httpx
import pytest

from dev_inbox.script import Action, Extension, Phase, Rule
from dev_inbox.server import Inbox
from dev_inbox.state import Login
from support.certificates import Authority, serving
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter

LOGIN = Login(user="postern", password="password-canary")


@pytest.fixture
def inbox(authority: Authority) -> Iterator[Inbox]:
    with Inbox(tls=serving(authority.issue("127.0.0.1")), login=LOGIN) as running:
        yield running


def plain(user: str, password: str) -> str:
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


RIGHT, WRONG = plain(LOGIN.user, LOGIN.password), plain(LOGIN.user, "guess")


def greet(client: smtplib.SMTP) -> smtplib.SMTP:
    client.ehlo()
    return client


def test_mail_without_a_login_is_refused(inbox: Inbox, connect: Connect) -> None:
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        connect().sendmail(SENDER, ["an@example.org"], letter())
    assert (refused.value.smtp_code, refused.value.smtp_error) == (530, b"5.7.0 Authentication required")
    assert "AUTH" not in inbox.connections()[0].commands


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("at_once", [True, False])
def test_after_a_login_under_tls_mail_is_taken(
    inbox: Inbox, connect: Connect, authority: Authority, mechanism: str, *, at_once: bool
) -> None:
    client = connect()
    client.starttls(context=authority.trust)
    greet(client)
    assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
    client.user, client.password = LOGIN.user, LOGIN.password
    answer = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism]
    assert client.auth(mechanism, answer, initial_response_ok=at_once)[0] == 235
    client.sendmail(SENDER, ["an@example.org"], letter())
    (seen,) = inbox.connections()
    assert (seen.authenticated, seen.commands["AUTH"], seen.logins_in_clear) == (True, 1, 0)


def test_a_wrong_password_is_refused(inbox: Inbox, connect: Connect) -> None:
    client = greet(connect())
    assert client.docmd("AUTH", f"PLAIN {WRONG}")[0] == 535
    assert client.docmd("AUTH", f"plain {RIGHT}")[0] == 235
    totals = inbox.totals()
    assert (totals.logins_tried, totals.logins_refused) == (2, 1)


def test_a_login_in_clear_is_told(inbox: Inbox, connect: Connect) -> None:
    greet(connect()).docmd("AUTH", f"PLAIN {RIGHT}")
    assert inbox.connections()[0].logins_in_clear == 1
    assert inbox.totals().logins_in_clear == 1


def test_a_login_in_clear_does_not_hold_under_tls(connect: Connect, authority: Authority) -> None:
    client = greet(connect())
    client.docmd("AUTH", f"PLAIN {RIGHT}")
    client.starttls(context=authority.trust)
    greet(client)
    assert client.mail(SENDER)[0] == 530


def test_a_script_refuses_the_right_login_for_a_while(inbox: Inbox, connect: Connect) -> None:
    inbox.play(
        Rule(phase=Phase.AUTH, reply="535 5.7.8 Credentials invalid", times=2),
        Rule(phase=Phase.AUTH, reply="454 4.7.0 Temporary failure", times=1),
    )
    client = greet(connect())
    assert [client.docmd("AUTH", f"PLAIN {RIGHT}")[0] for _ in range(4)] == [535, 535, 454, 235]


def test_a_script_accepts_any_login(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.AUTH, reply="235 2.7.0 Come in"))
    client = greet(connect())
    assert client.docmd("AUTH", f"PLAIN {WRONG}") == (235, b"2.7.0 Come in")
    assert client.mail(SENDER)[0] == 250


def test_a_script_cuts_the_line_at_a_login(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.AUTH, action=Action.RESET))
    client = greet(connect())
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        client.docmd("AUTH", f"PLAIN {RIGHT}")
    assert inbox.totals().logins_tried == 1


def test_a_script_withholds_the_login(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.EHLO, without=frozenset({Extension.AUTH})))
    client = greet(connect())
    assert not client.has_extn("auth")
    assert client.docmd("AUTH", f"PLAIN {RIGHT}")[0] == 502


@pytest.mark.parametrize("argument", ["PLAIN !", f"PLAIN {base64.b64encode(b'x').decode()}", "XOAUTH2 x", ""])
def test_a_malformed_login_is_refused_without_the_script(
    inbox: Inbox, connect: Connect, argument: str
) -> None:
    inbox.play(Rule(phase=Phase.AUTH, reply="235 2.7.0 Come in"))
    client = greet(connect())
    assert client.docmd("AUTH", argument)[0] in {501, 504}
    assert client.mail(SENDER)[0] == 530


def test_a_login_that_is_broken_off_is_refused(connect: Connect) -> None:
    client = greet(connect())
    assert client.docmd("AUTH", "LOGIN")[0] == 334
    assert client.docmd("*")[0] == 501
    assert client.docmd("AUTH", f"PLAIN {RIGHT}")[0] == 235


def test_without_a_login_none_is_to_be_had() -> None:
    with Inbox() as inbox, smtplib.SMTP(inbox.smtp.host, inbox.smtp.port, timeout=5) as client:
        assert not greet(client).has_extn("auth")
        assert client.docmd("AUTH", f"PLAIN {RIGHT}")[0] == 502


def test_what_is_recorded_holds_no_password(http: httpx.Client, connect: Connect) -> None:
    client = greet(connect())
    for login in (WRONG, RIGHT):
        client.docmd("AUTH", f"PLAIN {login}")
    seen = http.get("/api/connections")
    (connection,) = seen.json()["connections"]
    assert (connection["commands"]["AUTH"], connection["authenticated"]) == (2, True)
    assert (seen.json()["logins_tried"], seen.json()["logins_refused"]) == (2, 1)
    assert not any(secret in seen.text for secret in (LOGIN.password, RIGHT, WRONG, "guess"))
    assert LOGIN.password not in repr(LOGIN)

"""The bad days of a provider that need no field of their own, as the documentation gives them."""

from __future__ import annotations

import smtplib

import pytest

from dev_inbox.script import Action, Phase, Rule
from dev_inbox.server import Inbox
from support.eventually import eventually
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter
from unit.dev_inbox.lines import greeted, raw_line


def send(client: smtplib.SMTP) -> None:
    client.sendmail(SENDER, ["an@example.org"], letter())


def test_a_banner_may_stay_away(inbox: Inbox) -> None:
    inbox.play(Rule(phase=Phase.CONNECT, delay_seconds=3600))
    with raw_line(inbox) as line:
        line.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.recv(1)


@pytest.mark.parametrize("phase", [Phase.EHLO, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT])
def test_a_221_may_come_early(inbox: Inbox, connect: Connect, phase: Phase) -> None:
    inbox.play(Rule(phase=phase, reply="221 2.0.0 Bye", action=Action.CLOSE))
    with pytest.raises(smtplib.SMTPException):
        send(connect())
    assert inbox.messages() == []


@pytest.mark.parametrize("phase", [Phase.EHLO, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT])
def test_a_reply_may_be_a_line_of_a_megabyte(inbox: Inbox, connect: Connect, phase: Phase) -> None:
    inbox.play(Rule(phase=phase, reply=f"250 {'x' * 2**20}"))
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected)):
        send(connect())

    def closed() -> None:
        assert inbox.connections()[0].closed_at is not None

    eventually(closed)


@pytest.mark.parametrize(
    "garbage",
    [
        "\x00\x01\x02",
        "2xx fine",
        "HTTP/1.1 400 Bad Request",
        "250",
        "9999 what",
        "\x85\u2028",
        "\udcff\udcfe",
    ],
)
def test_a_reply_may_be_garbage_byte_for_byte(inbox: Inbox, garbage: str) -> None:
    inbox.play(Rule(phase=Phase.MAIL, reply=garbage))
    with greeted(inbox) as (line, replies):
        line.sendall(b"MAIL FROM:<a@b.example>\r\n")
        assert replies.readline() == garbage.encode("utf-8", "surrogateescape") + b"\r\n"


def test_a_reply_may_end_in_the_middle(inbox: Inbox) -> None:
    inbox.play(Rule(phase=Phase.EHLO, reply="250-inbox\n250-SIZE", action=Action.CLOSE))
    with raw_line(inbox) as line, line.makefile("rb") as replies:
        replies.readline()
        line.sendall(b"EHLO me\r\n")
        assert replies.read() == b"250-inbox\r\n250-SIZE\r\n"

from __future__ import annotations

import pytest

from dev_inbox.script import BadRule, Extension, Phase, Rule
from dev_inbox.server import Inbox
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter
from unit.dev_inbox.lines import TRANSACTION, codes, greeted

USUAL = {"size", "8bitmime", "smtputf8", "pipelining", "help"}


@pytest.mark.parametrize("extension", ["SIZE", "8BITMIME", "SMTPUTF8", "PIPELINING"])
def test_a_script_withholds_an_extension(inbox: Inbox, connect: Connect, extension: str) -> None:
    inbox.play(Rule(phase=Phase.EHLO, without=frozenset({Extension(extension)})))
    client = connect()
    client.ehlo()
    assert set(client.esmtp_features) == USUAL - {extension.lower()}
    client.sendmail(SENDER, ["an@example.org"], letter())


def test_a_script_withholds_several_until_it_is_spent(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.EHLO, without=frozenset({Extension.SIZE, Extension.PIPELINING}), times=1))
    client = connect()
    client.ehlo()
    assert set(client.esmtp_features) == USUAL - {"size", "pipelining"}
    client.ehlo()
    assert set(client.esmtp_features) == USUAL


@pytest.mark.parametrize(
    ("extension", "option"),
    [("SIZE", "SIZE=1000"), ("8BITMIME", "BODY=8BITMIME"), ("SMTPUTF8", "SMTPUTF8")],
)
def test_an_option_that_was_not_offered_is_refused(
    inbox: Inbox, connect: Connect, extension: str, option: str
) -> None:
    inbox.play(Rule(phase=Phase.EHLO, without=frozenset({Extension(extension)}), times=1))
    client = connect()
    client.ehlo()
    assert client.docmd("MAIL", f"FROM:<{SENDER}> {option}")[0] == 555
    client.ehlo()
    assert client.docmd("MAIL", f"FROM:<{SENDER}> {option}")[0] == 250


@pytest.mark.parametrize("command", ["MAIL FROM:<bưu@b.example>", "RCPT TO:<bưu@b.example>"])
def test_an_address_that_needs_what_was_not_offered_is_refused(inbox: Inbox, command: str) -> None:
    inbox.play(Rule(phase=Phase.EHLO, without=frozenset({Extension.SMTPUTF8})))
    with greeted(inbox) as (line, replies):
        if command.startswith("RCPT"):
            line.sendall(b"MAIL FROM:<a@b.example>\r\n")
            replies.readline()
        line.sendall(command.encode() + b"\r\n")
        assert replies.readline().startswith(b"553 5.6.7 ")


def test_eight_bits_that_were_not_offered_are_refused(inbox: Inbox) -> None:
    inbox.play(Rule(phase=Phase.EHLO, without=frozenset({Extension.EIGHT_BIT})))
    with greeted(inbox) as (line, replies):
        line.sendall(TRANSACTION)
        assert codes(replies, 3) == [250, 250, 354]
        line.sendall("Subject: bưu\r\n\r\n.\r\n".encode())
        assert replies.readline().startswith(b"554 5.6.3 ")
    assert inbox.messages() == []


def test_only_ehlo_can_withhold() -> None:
    with pytest.raises(BadRule):
        Rule(phase=Phase.MAIL, without=frozenset({Extension.SIZE}))
    with pytest.raises(BadRule):
        Rule(phase=Phase.EHLO, reply="250 me", without=frozenset({Extension.SIZE}))

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator

import pytest

from dev_inbox.script import Action, Extension, Phase, Rule
from dev_inbox.server import Inbox
from support.certificates import Authority, serving
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter
from unit.dev_inbox.lines import greeted, only_connection

HOST = "127.0.0.1"


@pytest.fixture
def certificate(authority: Authority) -> ssl.SSLContext:
    return serving(authority.issue(HOST))


@pytest.fixture
def inbox(certificate: ssl.SSLContext) -> Iterator[Inbox]:
    with Inbox(tls=certificate) as running:
        yield running


def send(client: smtplib.SMTP) -> None:
    client.sendmail(SENDER, ["an@example.org"], letter())


def test_starttls_is_offered_until_tls_is_on(connect: Connect, authority: Authority) -> None:
    client = connect()
    client.ehlo()
    assert client.has_extn("starttls")
    client.starttls(context=authority.trust)
    client.ehlo()
    assert not client.has_extn("starttls")
    assert client.docmd("STARTTLS")[0] == 502


def test_a_letter_of_any_size_arrives_under_starttls(
    inbox: Inbox, connect: Connect, authority: Authority
) -> None:
    client = connect()
    client.starttls(context=authority.trust)
    sent = letter() + b"0123456789abcdef\r\n" * 200_000
    client.sendmail(SENDER, ["an@example.org"], sent)
    assert inbox.messages()[0].raw == sent
    client.quit()
    seen = only_connection(inbox)
    assert (seen.tls, seen.tls_before_mail, seen.handshake_failed) == ("TLSv1.3", True, False)


def test_a_letter_arrives_under_tls_from_the_first_byte(inbox: Inbox, authority: Authority) -> None:
    with smtplib.SMTP_SSL(inbox.smtps.host, inbox.smtps.port, timeout=5, context=authority.trust) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        for _ in range(3):
            send(client)
    assert len(inbox.messages()) == 3
    seen = only_connection(inbox)
    assert (seen.tls, seen.tls_before_mail) == ("TLSv1.3", True)


def test_what_was_said_in_clear_is_forgotten_under_tls(connect: Connect, authority: Authority) -> None:
    client = connect()
    client.ehlo()
    client.mail(SENDER)
    client.starttls(context=authority.trust)
    assert client.docmd("RCPT", "TO:<an@example.org>")[0] == 503


def test_what_follows_starttls_in_clear_is_not_taken_for_said_under_tls(
    inbox: Inbox, authority: Authority
) -> None:
    with greeted(inbox) as (line, replies):
        line.sendall(b"STARTTLS\r\nNOOP\r\n")
        assert replies.readline().startswith(b"220")
        with (
            authority.trust.wrap_socket(line, server_hostname=HOST) as secure,
            secure.makefile("rb") as answers,
        ):
            secure.sendall(b"HELO me\r\n")
            assert answers.readline() == b"250 inbox.localhost\r\n"


def test_a_mail_in_clear_is_told(inbox: Inbox, connect: Connect) -> None:
    client = connect()
    send(client)
    client.quit()
    seen = only_connection(inbox)
    assert (seen.tls, seen.tls_before_mail) == (None, False)


def test_one_mail_in_clear_is_told_whatever_follows(
    inbox: Inbox, connect: Connect, authority: Authority
) -> None:
    client = connect()
    send(client)
    client.starttls(context=authority.trust)
    send(client)
    client.quit()
    seen = only_connection(inbox)
    assert (seen.tls, seen.tls_before_mail) == ("TLSv1.3", False)


def test_a_client_that_leaves_instead_of_shaking_hands_is_let_go(inbox: Inbox) -> None:
    with greeted(inbox) as (line, replies):
        line.sendall(b"STARTTLS\r\n")
        replies.readline()
    assert only_connection(inbox).handshake_failed


def test_a_client_that_speaks_smtp_where_tls_comes_first_is_let_go(inbox: Inbox) -> None:
    with socket.create_connection((inbox.smtps.host, inbox.smtps.port), timeout=5) as line:
        line.sendall(b"EHLO me\r\n")
        assert only_connection(inbox).handshake_failed


def test_stopping_does_not_wait_for_a_handshake(certificate: ssl.SSLContext) -> None:
    with Inbox(tls=certificate) as inbox, greeted(inbox) as (line, replies):
        line.sendall(b"STARTTLS\r\n")
        replies.readline()
        inbox.stop()


def test_a_script_strips_starttls(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.EHLO, without=frozenset({Extension.STARTTLS})))
    client = connect()
    client.ehlo()
    assert not client.has_extn("starttls")
    assert client.docmd("STARTTLS")[0] == 502


def test_a_script_refuses_starttls_for_a_while(inbox: Inbox, connect: Connect, authority: Authority) -> None:
    inbox.play(Rule(phase=Phase.STARTTLS, reply="454 4.7.0 TLS not available", times=1))
    client = connect()
    client.ehlo()
    assert client.docmd("STARTTLS")[0] == 454
    client.starttls(context=authority.trust)
    send(client)


def test_a_script_injects_text_in_clear_behind_the_220(inbox: Inbox, authority: Authority) -> None:
    injected = b"250-evil.example\r\n250 AUTH PLAIN\r\n"
    inbox.play(Rule(phase=Phase.STARTTLS, reply="220 2.0.0 Go\n" + injected.decode()))
    with greeted(inbox) as (line, _):
        line.sendall(b"STARTTLS\r\n")
        assert line.recv(4096) == b"220 2.0.0 Go\r\n" + injected
        with (
            authority.trust.wrap_socket(line, server_hostname=HOST) as secure,
            secure.makefile("rb") as answers,
        ):
            secure.sendall(b"HELO me\r\n")
            assert answers.readline() == b"250 inbox.localhost\r\n"


@pytest.mark.parametrize("byte_seconds", [0.0, 0.002])
def test_a_reply_to_starttls_may_trickle_before_tls_begins(
    inbox: Inbox, connect: Connect, authority: Authority, byte_seconds: float
) -> None:
    inbox.play(Rule(phase=Phase.STARTTLS, reply="220 go", byte_seconds=byte_seconds))
    client = connect()
    client.starttls(context=authority.trust)
    send(client)


def test_a_reset_is_one_under_tls_too(inbox: Inbox, connect: Connect, authority: Authority) -> None:
    inbox.play(Rule(phase=Phase.DOT, action=Action.RESET, store=True))
    client = connect()
    client.starttls(context=authority.trust)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(client)
    assert len(inbox.messages()) == 1


def test_a_close_ends_the_stream_under_tls_too(inbox: Inbox, connect: Connect, authority: Authority) -> None:
    inbox.play(Rule(phase=Phase.MAIL, reply="421 4.4.2 Bye", action=Action.CLOSE))
    client = connect()
    client.starttls(context=authority.trust)
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send(client)
    assert refused.value.smtp_code == 421
    assert only_connection(inbox).messages == 0


def test_without_a_certificate_there_is_no_tls_to_be_had() -> None:
    with Inbox() as inbox, smtplib.SMTP(inbox.smtp.host, inbox.smtp.port, timeout=5) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.docmd("STARTTLS")[0] == 502
        with pytest.raises(RuntimeError):
            _ = inbox.smtps

"""TLS on the wire: verified name and chain, or not a word."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev_inbox.script import Phase, Rule
from dev_inbox.server import Inbox
from dev_inbox.state import Login
from mailer_service.delivery.attempt import Phase as Reached
from mailer_service.delivery.attempt import Transmission
from mailer_service.delivery.outcome import Concern, OtherProvider, Pause, Sent, TryLater
from mailer_service.smtp.server import SmtpServer
from mailer_service.smtp.transport import SmtpTransport
from support.certificates import Authority, serving, sign_oneself
from support.outgoing import SENDER, composed, outgoing

HOST = "127.0.0.1"
LOGIN = Login(user="postern", password="pass:word@")
USERINFO = "postern:pass%3Aword%40"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.below(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def inbox(authority: Authority) -> Iterator[Inbox]:
    """Takes mail under TLS, from those who know the password."""
    with Inbox(tls=serving(authority.issue(HOST)), login=LOGIN) as server:
        yield server


def url(inbox: Inbox, scheme: str, *, userinfo: str = USERINFO) -> str:
    where = inbox.smtps if scheme == "smtps" else inbox.smtp
    return f"{scheme}://{userinfo}@{where}"


def send(address: str, authority: Authority, *, times: int = 1) -> list[Transmission]:
    transport = SmtpTransport(
        SmtpServer.from_url(address),
        hello_name=SENDER.mailbox.domain,
        operation_seconds=5,
        tls=authority.trust,
    )
    try:
        return [transport.send(composed(outgoing()), deadline=time.monotonic() + 10) for _ in range(times)]
    finally:
        transport.close()


def elsewhere_or_later(reason: str) -> OtherProvider:
    return OtherProvider(reason=reason, otherwise=TryLater(reason=reason))


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_a_verified_server_gets_login_and_letters_over_one_connection(
    inbox: Inbox, authority: Authority, scheme: str
) -> None:
    sent = send(url(inbox, scheme), authority, times=3)
    assert [transmission.verdict for transmission in sent] == [Sent()] * 3
    assert len(inbox.messages()) == 3
    assert len(inbox.connections()) == 1


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
@pytest.mark.parametrize("flaw", ["expired", "another host", "self-signed", "unknown authority"])
def test_a_server_that_cannot_prove_itself_is_told_nothing(
    authority: Authority, tmp_path: Path, scheme: str, flaw: str
) -> None:
    match flaw:
        case "expired":
            certificate = authority.issue_expired(HOST)
        case "another host":
            certificate = authority.issue("mail.example")
        case "self-signed":
            certificate = sign_oneself(HOST, tmp_path)
        case _:
            certificate = Authority.below(tmp_path / "other").issue(HOST)
    with Inbox(tls=serving(certificate), login=LOGIN) as inbox:
        (refused,) = send(url(inbox, scheme), authority)
        assert refused.verdict == elsewhere_or_later("tls_failed")
        assert refused.alarm
        assert refused.phase is Reached.TLS
        assert inbox.messages() == []


def test_a_server_that_lost_starttls_gets_neither_login_nor_letter(
    inbox: Inbox, authority: Authority
) -> None:
    inbox.play(Rule(phase=Phase.EHLO, reply="250-postern.example\n250 AUTH PLAIN LOGIN"))
    (refused,) = send(url(inbox, "smtp+starttls"), authority)
    assert refused.verdict == elsewhere_or_later("tls_not_offered")
    assert refused.alarm
    assert inbox.messages() == []


def test_words_slipped_in_behind_the_220_end_the_session(inbox: Inbox, authority: Authority) -> None:
    inbox.play(Rule(phase=Phase.STARTTLS, reply="220 Go ahead\r\n250 2.0.0 injected"))
    (refused,) = send(url(inbox, "smtp+starttls"), authority)
    assert refused.verdict == elsewhere_or_later("injected_before_tls")
    assert refused.alarm
    assert refused.phase is Reached.TLS
    assert inbox.messages() == []


def test_a_refused_login_pauses_the_account_and_is_never_the_letters_fault(
    inbox: Inbox, authority: Authority
) -> None:
    (refused,) = send(url(inbox, "smtps", userinfo="postern:wrong"), authority)
    assert isinstance(refused.verdict, Pause)
    assert (refused.concern, refused.alarm) == (Concern.ACCOUNT, True)
    assert refused.phase is Reached.AUTH
    assert "wrong" not in str(refused)

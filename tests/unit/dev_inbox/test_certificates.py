from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from dev_inbox.server import Inbox
from support.certificates import Authority, serving, sign_oneself
from unit.dev_inbox.letters import SENDER, letter
from unit.dev_inbox.lines import only_connection

HOST = "127.0.0.1"

FAULTY: dict[str, Callable[[Authority], Path]] = {
    "expired": lambda authority: authority.issue_expired(HOST),
    "another host's": lambda authority: authority.issue("mail.example.org"),
    "signed by itself": lambda authority: sign_oneself(HOST, authority.directory),
    "a stranger's": lambda authority: Authority.below(authority.directory / "stranger").issue(HOST),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_client_that_verifies_gives_up_at_a_faulty_certificate(authority: Authority, fault: str) -> None:
    with Inbox(tls=serving(FAULTY[fault](authority))) as inbox:
        with (
            smtplib.SMTP(inbox.smtp.host, inbox.smtp.port, timeout=5) as client,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            client.starttls(context=authority.trust)
        seen = only_connection(inbox)
        assert (seen.handshake_failed, seen.tls, seen.tls_before_mail) == (True, None, None)
        assert seen.commands == {"EHLO": 1, "STARTTLS": 1}


@pytest.mark.parametrize("fault", FAULTY)
def test_the_same_holds_for_tls_from_the_first_byte(authority: Authority, fault: str) -> None:
    with Inbox(tls=serving(FAULTY[fault](authority))) as inbox:
        with pytest.raises(ssl.SSLCertVerificationError):
            smtplib.SMTP_SSL(inbox.smtps.host, inbox.smtps.port, timeout=5, context=authority.trust)
        seen = only_connection(inbox)
        assert (seen.handshake_failed, seen.commands) == (True, {})
        assert inbox.totals().handshakes_failed == 1


def test_a_certificate_may_be_changed_while_it_runs(authority: Authority) -> None:
    context = serving(authority.issue_expired(HOST))
    with Inbox(tls=context) as inbox:
        with pytest.raises(ssl.SSLCertVerificationError):
            smtplib.SMTP_SSL(inbox.smtps.host, inbox.smtps.port, timeout=5, context=authority.trust)
        context.load_cert_chain(authority.issue(HOST))
        with smtplib.SMTP_SSL(
            inbox.smtps.host, inbox.smtps.port, timeout=5, context=authority.trust
        ) as client:
            client.sendmail(SENDER, ["an@example.org"], letter())

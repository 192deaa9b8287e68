from __future__ import annotations

import smtplib
import time

import pytest

from dev_inbox.script import Action, BadRule, Phase, Rule, Script
from dev_inbox.server import Inbox
from support.eventually import eventually
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter
from unit.dev_inbox.lines import raw_line

RECIPIENT = "an@example.org"
PLAIN_PHASES: list[Phase] = [phase for phase in Phase if phase not in {Phase.STARTTLS, Phase.AUTH}]


def send(client: smtplib.SMTP, to: str = RECIPIENT) -> None:
    client.sendmail(SENDER, [to], letter())


def test_at_connect_a_reply_replaces_the_banner(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.CONNECT, reply="554 5.7.1 Not today", times=1))
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        connect()
    assert refused.value.smtp_code == 554
    send(connect())


def test_at_ehlo_a_reply_refuses_the_greeting(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.EHLO, reply="421 4.3.2 Going down"))
    with pytest.raises(smtplib.SMTPHeloError) as refused:
        send(connect())
    assert refused.value.smtp_code == 421


def test_at_ehlo_a_reply_may_withhold_extensions(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.EHLO, reply="250-old.example\n250 SIZE 1000"))
    client = connect()
    client.ehlo()
    assert set(client.esmtp_features) == {"size"}
    send(client)


def test_at_mail_a_reply_refuses_the_sender(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.MAIL, reply="550 5.7.1 Sender refused"))
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send(connect())
    assert refused.value.smtp_code == 550


def test_at_rcpt_a_reply_refuses_only_the_recipients_that_match(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.RCPT, recipient="*@gone.example", reply="550 5.1.1 No such user"))
    refused = connect().sendmail(SENDER, ["bo@gone.example", RECIPIENT], letter())
    assert refused == {"bo@gone.example": (550, b"5.1.1 No such user")}
    assert [message.recipients for message in inbox.messages()] == [(RECIPIENT,)]


def test_at_data_a_reply_takes_the_place_of_354(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.DATA, recipient="an@*", reply="451 4.3.0 Later", times=1))
    client = connect()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(client)
    assert refused.value.smtp_code == 451
    client.rset()
    send(client)
    assert len(inbox.messages()) == 1


def test_at_dot_a_refusal_keeps_nothing(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.DOT, reply="552 5.2.2 Mailbox full"))
    with pytest.raises(smtplib.SMTPDataError):
        send(connect())
    assert inbox.messages() == []


def test_at_dot_a_positive_reply_of_its_own_keeps_the_letter(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.DOT, reply="250 2.6.0 Taken"))
    send(connect())
    assert len(inbox.messages()) == 1


def test_after_the_dot_the_letter_may_be_kept_and_its_reply_lost(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.DOT, action=Action.RESET, store=True, times=1))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(connect())
    assert len(inbox.messages()) == 1


def test_after_the_dot_the_letter_may_be_acknowledged_and_lost(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.DOT, reply="250 2.0.0 Ok", store=False))
    send(connect())
    assert inbox.messages() == []


def converse(inbox: Inbox) -> list[bytes]:
    """Says one line a phase and returns the replies, up to an empty one where the stream ends."""
    heard = []
    with raw_line(inbox) as line, line.makefile("rb") as replies:
        for said in (b"", b"HELO me", b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@d.example>", b"DATA", b"."):
            line.sendall(said and said + b"\r\n")
            heard.append(replies.readline())
            if heard[-1].startswith(b"421"):
                return [*heard, replies.read()]
    return heard


@pytest.mark.parametrize("phase", PLAIN_PHASES)
def test_a_reset_reaches_the_client_as_a_tcp_reset(inbox: Inbox, phase: Phase) -> None:
    inbox.play(Rule(phase=phase, action=Action.RESET))
    with pytest.raises(ConnectionResetError):
        converse(inbox)
    assert inbox.messages() == []


@pytest.mark.parametrize("phase", PLAIN_PHASES)
def test_a_close_sends_its_reply_and_then_ends_the_stream(inbox: Inbox, phase: Phase) -> None:
    inbox.play(Rule(phase=phase, reply="421 4.4.2 Bye", action=Action.CLOSE))
    *usual, last, rest = converse(inbox)
    assert len(usual) == PLAIN_PHASES.index(phase)
    assert (last, rest) == (b"421 4.4.2 Bye\r\n", b"")


def test_a_delay_comes_before_the_usual_reply(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.RCPT, delay_seconds=0.3))
    started = time.monotonic()
    send(connect())
    assert time.monotonic() - started >= 0.3


def test_a_letter_is_kept_before_its_reply_is_delayed(inbox: Inbox) -> None:
    inbox.play(Rule(phase=Phase.DOT, delay_seconds=600))
    with raw_line(inbox) as line:
        line.sendall(b"HELO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\r\n.\r\n")
        eventually(inbox.messages)


def test_a_reply_may_trickle(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.MAIL, reply="250 ok", byte_seconds=0.05, times=1))
    started = time.monotonic()
    send(connect())
    assert time.monotonic() - started >= 6 * 0.05


def test_a_reply_may_be_nonsense_of_any_length(inbox: Inbox) -> None:
    inbox.play(Rule(phase=Phase.CONNECT, reply="x" * 2**20))
    with raw_line(inbox) as line:
        assert len(line.makefile("rb").readline()) == 2**20 + 2


def test_a_rule_is_spent_after_its_times_and_the_next_one_follows(inbox: Inbox, connect: Connect) -> None:
    inbox.play(
        Rule(phase=Phase.RCPT, reply="450 4.2.1 Slow", times=2),
        Rule(phase=Phase.RCPT, reply="550 5.1.1 Gone", times=1),
    )
    client = connect()
    client.helo()
    client.mail(SENDER)
    assert [client.rcpt(RECIPIENT)[0] for _ in range(4)] == [450, 450, 550, 250]


def test_after_rcpt_a_rule_matches_any_recipient_of_the_transaction(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.DOT, recipient="bo@*", reply="451 4.3.0 Later"))
    client = connect()
    send(client)
    with pytest.raises(smtplib.SMTPDataError):
        client.sendmail(SENDER, [RECIPIENT, "bo@example.org"], letter())


def test_a_recipient_is_matched_in_any_spelling_of_its_domain() -> None:
    rule = Rule(phase=Phase.RCPT, recipient="*@bưu.example")
    domain = "bưu".encode("idna").decode()
    assert rule.applies(Phase.RCPT, [f"An@{domain}.EXAMPLE"])


def test_an_empty_script_is_friendly(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.MAIL, reply="451 4.3.0 Later"))
    inbox.play()
    send(connect())


@pytest.mark.parametrize(
    "rule",
    [
        {"phase": Phase.MAIL, "recipient": "*@example.org"},
        {"phase": Phase.RCPT, "store": True},
        {"phase": Phase.DOT, "reply": "250 Ok", "action": Action.RESET},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(rule: dict[str, str]) -> None:
    with pytest.raises(BadRule):
        Rule(**rule)  # type: ignore[arg-type]


def test_a_script_counts_how_often_each_rule_was_played() -> None:
    script = Script()
    refuse, wait = Rule(phase=Phase.RCPT, times=1), Rule(phase=Phase.RCPT)
    script.replace([refuse, wait])
    assert [script.take(Phase.RCPT, [RECIPIENT]) for _ in range(3)] == [refuse, wait, wait]
    assert script.played() == [(refuse, 1), (wait, 2)]

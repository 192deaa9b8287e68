"""Handing over a letter, on the wire: phases, certainty, kept connections, limits of time, TLS."""

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import Message

import pytest

from dev_inbox.script import Action, Phase, Rule
from dev_inbox.server import Inbox
from mailer_service.delivery.attempt import Phase as Reached
from mailer_service.delivery.attempt import Transmission
from mailer_service.delivery.outcome import Ambiguous, Concern, Dead, OtherProvider, Sent, TryLater, Verdict
from mailer_service.smtp.pool import PoolLimits
from mailer_service.smtp.server import SmtpServer
from mailer_service.smtp.transport import SmtpTransport
from support.outgoing import SENDER, composed, outgoing

CLEAR_PHASES = [Phase.CONNECT, Phase.EHLO, Phase.MAIL, Phase.RCPT, Phase.DATA]
AN = "an@example.org"
Make = Callable[..., SmtpTransport]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        yield server


@pytest.fixture
def transport_to() -> Iterator[Make]:
    """Makes transports, and closes them."""
    made: list[SmtpTransport] = []

    def make(
        inbox: Inbox, *, operation_seconds: float = 5.0, limits: PoolLimits | None = None
    ) -> SmtpTransport:
        server = SmtpServer.from_url(inbox.smtp_url)
        made.append(
            SmtpTransport(
                server, hello_name=SENDER.mailbox.domain, operation_seconds=operation_seconds, limits=limits
            )
        )
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def send(transport: SmtpTransport, recipient: str = AN, *, within: float = 10.0) -> Transmission:
    return transport.send(composed(outgoing(recipient)), deadline=time.monotonic() + within)


def tried_again(verdict: Verdict) -> bool:
    """Whether the letter goes on, without another provider to ask."""
    return isinstance(verdict, OtherProvider) and isinstance(verdict.otherwise, TryLater)


ELSEWHERE_OR_LATER = OtherProvider(reason="timeout", otherwise=TryLater(reason="timeout"))


def test_a_letter_arrives_as_it_was_composed(transport_to: Make, inbox: Inbox) -> None:
    sent = send(transport_to(inbox))
    assert (sent.verdict, sent.phase) == (Sent(), Reached.DOT)
    (message,) = inbox.messages(to=AN)
    assert message.sender == str(SENDER.mailbox)
    assert message.raw.endswith(b"--\r\n")
    assert b"\n" not in message.raw.replace(b"\r\n", b"")


def test_lines_that_begin_with_a_dot_arrive_whole(transport_to: Make, inbox: Inbox) -> None:
    letter = outgoing(AN)
    dotted = type(letter.rendering)(subject="Dots", text=".\n..\n.a\n", html="<p>.</p>\n", language="en")
    transport_to(inbox).send(composed(outgoing(AN, rendering=dotted)), deadline=time.monotonic() + 10)
    (message,) = inbox.messages(to=AN)
    text = message_from_bytes(message.raw).get_payload(0)
    assert isinstance(text, Message)
    assert text.get_payload(decode=True) == b".\r\n..\r\n.a\r\n"


def test_one_connection_carries_many_letters(transport_to: Make, inbox: Inbox) -> None:
    transport = transport_to(inbox)
    for n in range(5):
        assert send(transport, f"an{n}@example.org").verdict == Sent()
    assert len(inbox.connections()) == 1


def test_a_refused_letter_leaves_the_connection_fit_for_the_next(transport_to: Make, inbox: Inbox) -> None:
    transport = transport_to(inbox)
    inbox.play(Rule(phase=Phase.RCPT, recipient="bad@example.org", reply="550 5.1.1 No such user"))
    refused = send(transport, "bad@example.org").verdict
    assert isinstance(refused, Dead)
    assert refused.suppress is not None
    assert send(transport).verdict == Sent()
    assert len(inbox.connections()) == 1


def test_a_connection_that_carried_its_share_is_replaced(transport_to: Make, inbox: Inbox) -> None:
    transport = transport_to(inbox, limits=PoolLimits(letters=2))
    for _ in range(4):
        send(transport)
    assert len(inbox.connections()) == 2


def test_a_kept_connection_the_server_closed_costs_the_letter_nothing(
    transport_to: Make, inbox: Inbox
) -> None:
    transport = transport_to(inbox)
    inbox.play(
        Rule(phase=Phase.DOT, reply="250 2.0.0 Taken, good bye", action=Action.CLOSE, times=1, store=True)
    )
    assert send(transport).verdict == Sent()
    assert send(transport).verdict == Sent()
    assert len(inbox.messages(to=AN)) == 2


@pytest.mark.parametrize(
    "rule",
    [
        Rule(phase=Phase.MAIL, action=Action.RESET, times=1),
        Rule(phase=Phase.MAIL, action=Action.CLOSE, times=1),
        Rule(phase=Phase.MAIL, reply="421 4.4.2 Idle too long", action=Action.CLOSE, times=1),
    ],
)
def test_a_kept_connection_lost_at_mail_costs_the_letter_nothing(
    transport_to: Make, inbox: Inbox, rule: Rule
) -> None:
    transport = transport_to(inbox)
    assert send(transport).verdict == Sent()
    inbox.play(rule)
    assert send(transport).verdict == Sent()
    assert len(inbox.connections()) == 2


def test_a_connection_idle_for_long_is_asked_first(transport_to: Make, inbox: Inbox) -> None:
    transport = transport_to(inbox, limits=PoolLimits(ask_after_seconds=0.0))
    for _ in range(3):
        assert send(transport).verdict == Sent()
    assert len(inbox.connections()) == 1


@pytest.mark.parametrize("phase", CLEAR_PHASES)
@pytest.mark.parametrize("action", list(Action))
def test_a_connection_lost_before_the_dot_is_certain(
    transport_to: Make, inbox: Inbox, phase: Phase, action: Action
) -> None:
    inbox.play(Rule(phase=phase, action=action))
    lost = send(transport_to(inbox))
    assert tried_again(lost.verdict)
    # Commands go in one piece, and a reset takes with it the replies that were not read yet.
    possible = list(Reached)[: list(Reached).index(Reached(phase.value)) + 1]
    assert lost.phase in possible if action is Action.RESET else lost.phase == possible[-1]
    assert inbox.messages() == []


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("store", [True, False])
def test_a_connection_lost_after_the_dot_is_ambiguous(
    transport_to: Make, inbox: Inbox, action: Action, store: bool
) -> None:
    if action is Action.CLOSE:
        inbox.play(Rule(phase=Phase.DOT, reply="", action=action, store=store))
    else:
        inbox.play(Rule(phase=Phase.DOT, action=action, store=store))
    lost = send(transport_to(inbox))
    assert isinstance(lost.verdict, Ambiguous)
    assert lost.phase is Reached.DOT


def test_a_reply_that_does_not_come_in_time_after_the_dot_is_ambiguous(
    transport_to: Make, inbox: Inbox
) -> None:
    inbox.play(Rule(phase=Phase.DOT, delay_seconds=30))
    lost = send(transport_to(inbox, operation_seconds=0.5))
    assert lost.verdict == Ambiguous(reason="timeout_after_dot", after=timedelta(minutes=1))


def test_a_silent_banner_ends_with_the_operations_time(transport_to: Make, inbox: Inbox) -> None:
    inbox.play(Rule(phase=Phase.CONNECT, delay_seconds=30))
    started = time.monotonic()
    silent = send(transport_to(inbox, operation_seconds=0.5))
    assert silent.verdict == ELSEWHERE_OR_LATER
    assert silent.concern is Concern.PROVIDER
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.MAIL, Phase.DATA, Phase.DOT])
def test_a_byte_a_second_ends_with_the_attempts_time(transport_to: Make, inbox: Inbox, phase: Phase) -> None:
    inbox.play(Rule(phase=phase, reply="250 " + "x" * 200, byte_seconds=0.1))
    started = time.monotonic()
    slow = send(transport_to(inbox), within=1.0)
    assert isinstance(slow.verdict, Ambiguous) if phase is Phase.DOT else tried_again(slow.verdict)
    assert time.monotonic() - started < 3


def test_nothing_is_sent_once_the_attempts_time_is_over(transport_to: Make, inbox: Inbox) -> None:
    late = send(transport_to(inbox), within=-1.0)
    assert late.verdict == ELSEWHERE_OR_LATER
    assert inbox.messages() == []


@pytest.mark.parametrize("reply", ["hello", "999 what", "25", "\u00ff\u00fe", "250 " + "x" * 100_000])
@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DOT])
def test_garbage_is_neither_acceptance_nor_refusal(
    transport_to: Make, inbox: Inbox, phase: Phase, reply: str
) -> None:
    inbox.play(Rule(phase=phase, reply=reply, store=False if phase is Phase.DOT else None))
    garbled = send(transport_to(inbox))
    assert isinstance(garbled.verdict, Ambiguous) if phase is Phase.DOT else tried_again(garbled.verdict)


def test_an_answer_too_many_is_never_taken_for_the_dots(transport_to: Make, inbox: Inbox) -> None:
    inbox.play(
        Rule(phase=Phase.RCPT, reply="250 2.1.5 Ok\r\n250 2.0.0 Ok: queued\r\n250 2.0.0 Ok: queued"),
        Rule(phase=Phase.DOT, reply="554 5.7.1 Refused"),
    )
    assert not isinstance(send(transport_to(inbox)).verdict, Sent)


def test_a_name_that_does_not_exist_and_a_closed_port_are_tried_later() -> None:
    with Inbox() as gone:
        closed = gone.smtp_url
    for url, reason in ((closed, "connection_refused"), ("smtp://nowhere.invalid:25", "name_not_found")):
        transport = SmtpTransport(
            SmtpServer.from_url(url), hello_name=SENDER.mailbox.domain, operation_seconds=5
        )
        assert send(transport).verdict == OtherProvider(reason=reason, otherwise=TryLater(reason=reason))


def test_smtputf8_is_used_for_the_addresses_that_need_it_and_only_where_offered(
    transport_to: Make, inbox: Inbox
) -> None:
    recipient = "nguyễn@bücher.example"
    assert send(transport_to(inbox), recipient).verdict == Sent()
    (message,) = inbox.messages()
    assert "To: <nguyễn@xn--bcher-kva.example>".encode() in message.raw
    inbox.play(Rule(phase=Phase.EHLO, reply="250-postern.example\n250 8BITMIME"))
    refused = send(transport_to(inbox), recipient).verdict
    assert isinstance(refused, OtherProvider)
    assert refused.otherwise == Dead(reason="address_not_supported")
    assert send(transport_to(inbox), "an@bücher.example").verdict == Sent()


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_without_the_protection_asked_for_nothing_is_said(inbox: Inbox, scheme: str) -> None:
    server = SmtpServer.from_url(f"{scheme}://user:password@{inbox.smtp}")
    transport = SmtpTransport(
        server, hello_name=SENDER.mailbox.domain, operation_seconds=2, tls=ssl.create_default_context()
    )
    stripped = send(transport)
    assert tried_again(stripped.verdict)
    assert (stripped.phase, stripped.alarm) == (Reached.TLS, True)
    assert inbox.messages() == []

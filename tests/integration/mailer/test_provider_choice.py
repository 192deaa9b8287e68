"""Which provider is asked, on the wire: in order, another one only where nothing was accepted, none while given up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from dev_inbox.script import Action, Phase, Rule
from dev_inbox.server import Inbox
from mailer_service.delivery.outcome import Ambiguous, Concern, Dead, Pause, Sent, TryLater
from mailer_service.errors import LedgerUnavailable
from mailer_service.providers.route import NO_PROVIDER
from support.database import Database
from support.eventually import eventually
from support.outgoing import outgoing
from support.way_out import WayOut, way_out

AN = "an@example.org"
Make = Callable[..., WayOut]


@pytest.fixture
def inboxes() -> Iterator[tuple[Inbox, Inbox]]:
    with Inbox() as first, Inbox() as second:
        yield first, second


@pytest.fixture
def make(mailer_database: Database, inboxes: tuple[Inbox, Inbox]) -> Iterator[Make]:
    """Ways out through both inboxes, or others; closed at the end."""
    with ExitStack() as made:

        def build(*urls: str, **settings: float) -> WayOut:
            way = way_out(
                mailer_database.url,
                urls or [inbox.smtp_url for inbox in inboxes],
                **settings,  # type: ignore[arg-type]
            )
            made.callback(way.close)
            return way

        yield build


def name(inbox: Inbox) -> str:
    return str(inbox.smtp)


def test_the_first_provider_gets_every_letter_it_takes(make: Make, inboxes: tuple[Inbox, Inbox]) -> None:
    way = make()
    for _ in range(3):
        assert way.send().verdict == Sent()
    assert len(inboxes[0].messages()) == 3
    assert inboxes[1].connections() == []


def test_another_provider_is_asked_only_if_the_ledger_knows_and_agrees(
    make: Make, inboxes: tuple[Inbox, Inbox]
) -> None:
    way, begun = make(), list[str]()

    def only_the_first(provider: str) -> bool:
        begun.append(provider)
        return len(begun) == 1

    way.begin = only_the_first
    inboxes[0].play(Rule(phase=Phase.MAIL, reply="421 4.3.2 Shutting down", action=Action.CLOSE))
    assert isinstance(way.send().verdict, TryLater)
    assert begun == [name(inbox) for inbox in inboxes]
    assert inboxes[1].connections() == []


@pytest.mark.parametrize(
    "rule",
    [
        Rule(phase=Phase.CONNECT, reply="554 5.3.2 No service", action=Action.CLOSE),
        Rule(phase=Phase.CONNECT, reply="421 4.3.2 Too busy", action=Action.CLOSE),
        Rule(phase=Phase.EHLO, action=Action.RESET),
        Rule(phase=Phase.MAIL, reply="421 4.3.2 Shutting down", action=Action.CLOSE),
        Rule(phase=Phase.MAIL, reply="530 5.7.0 Authentication required"),
        Rule(phase=Phase.RCPT, action=Action.RESET),
        Rule(phase=Phase.RCPT, reply="550 5.7.26 Unauthenticated sender"),
        Rule(phase=Phase.RCPT, reply="550 5.7.1 Not from here"),
        Rule(phase=Phase.DATA, action=Action.CLOSE),
        Rule(phase=Phase.DOT, reply="554 5.7.1 Your reputation"),
    ],
)
def test_what_was_certainly_not_accepted_goes_to_the_next_at_once(
    make: Make, inboxes: tuple[Inbox, Inbox], rule: Rule
) -> None:
    inboxes[0].play(rule)
    sent = make().send()
    assert sent.verdict == Sent()
    assert sent.provider == name(inboxes[1])
    assert [earlier.provider for earlier in sent.earlier] == [name(inboxes[0])]
    assert inboxes[0].messages() == []


@pytest.mark.parametrize(
    "rule",
    [
        Rule(phase=Phase.DOT, action=Action.RESET, store=True),
        Rule(phase=Phase.DOT, action=Action.RESET, store=False),
        Rule(phase=Phase.DOT, delay_seconds=30),
    ],
)
def test_after_the_dot_nobody_else_is_asked(make: Make, inboxes: tuple[Inbox, Inbox], rule: Rule) -> None:
    inboxes[0].play(rule)
    lost = make().send()
    assert isinstance(lost.verdict, Ambiguous)
    assert lost.provider == name(inboxes[0])
    assert inboxes[1].connections() == []


def test_a_second_opinion_is_asked_for_also_after_a_slow_first_one(
    make: Make, inboxes: tuple[Inbox, Inbox]
) -> None:
    inboxes[0].play(Rule(phase=Phase.DOT, delay_seconds=2.5, reply="554 5.7.1 Looks like spam"))
    sent = make(dot_seconds=10.0).send(within=2.0)
    assert (sent.verdict, sent.provider) == (Sent(), name(inboxes[1]))


@pytest.mark.parametrize(
    "reply",
    ["550 5.1.1 No such user", "450 4.7.1 Greylisted", "450 4.2.1 Too many letters", "451 4.4.1 Later"],
)
def test_what_concerns_the_recipient_is_not_asked_twice(
    make: Make, inboxes: tuple[Inbox, Inbox], reply: str
) -> None:
    inboxes[0].play(Rule(phase=Phase.RCPT, reply=reply))
    assert isinstance(make().send().verdict, Dead | TryLater)
    assert inboxes[1].connections() == []


def test_a_second_opinion_about_a_letter_is_asked_for_once(make: Make, inboxes: tuple[Inbox, Inbox]) -> None:
    with Inbox() as third:
        for inbox in inboxes:
            inbox.play(Rule(phase=Phase.DOT, reply="554 5.7.1 Refused"))
        refused = make(*(inbox.smtp_url for inbox in (*inboxes, third))).send()
        assert refused.verdict == Dead(reason="5.7.1")
        assert len(refused.earlier) == 1
        assert third.connections() == []


def test_a_letter_bound_to_a_provider_goes_there_or_nowhere(make: Make, inboxes: tuple[Inbox, Inbox]) -> None:
    way = make()
    sent = way.send(provider=name(inboxes[1]))
    assert (sent.verdict, sent.provider) == (Sent(), name(inboxes[1]))
    inboxes[1].play(
        Rule(phase=Phase.CONNECT, action=Action.RESET), Rule(phase=Phase.MAIL, action=Action.RESET)
    )
    assert isinstance(way.send(provider=name(inboxes[1])).verdict, TryLater)
    assert inboxes[0].messages() == []


def test_a_letter_bound_to_a_provider_that_is_given_up_waits_without_an_attempt(
    make: Make, inboxes: tuple[Inbox, Inbox]
) -> None:
    way = make(first_seconds=60.0)
    inboxes[0].play(Rule(phase=Phase.MAIL, reply="535 5.7.8 Bad credentials"))
    way.send()
    waits = way.send(provider=name(inboxes[0]))
    assert isinstance(waits.verdict, Pause)
    assert waits.provider == ""


def test_a_letter_bound_to_a_provider_that_is_no_more_is_free(
    make: Make, inboxes: tuple[Inbox, Inbox]
) -> None:
    assert make().send(provider="gone.example:25").provider == name(inboxes[0])


def test_a_refused_account_is_not_asked_again_until_a_login_succeeds(
    make: Make, inboxes: tuple[Inbox, Inbox]
) -> None:
    first, second = inboxes
    way, other = make(), make()
    first.play(Rule(phase=Phase.MAIL, reply="535 5.7.8 Bad credentials"))
    assert way.send().provider == name(second)
    asked = len(first.connections())
    for _ in range(5):
        assert way.send().provider == name(second)
    assert len(first.connections()) == asked
    assert way.tap.open
    first.play()

    def back() -> bool:
        way.monitor.look()
        if way.send().provider != name(first):
            return False
        # Until a letter was taken there is one connection for all; a replica hears of that within its second.
        other.monitor.look()
        return other.send().provider == name(first)

    eventually(back)


def test_what_one_replica_found_out_the_others_need_not(make: Make, inboxes: tuple[Inbox, Inbox]) -> None:
    first, second = inboxes
    finder, other = make(first_seconds=60.0), make(first_seconds=60.0)
    first.play(Rule(phase=Phase.CONNECT, reply="554 No service", action=Action.CLOSE))
    for _ in range(3):
        finder.send()
    asked = len(first.connections())
    other.monitor.look()
    assert other.send().provider == name(second)
    assert len(first.connections()) == asked


def test_with_no_provider_left_nothing_is_admitted_and_nothing_consumed_until_one_is_back(
    make: Make, inboxes: tuple[Inbox, Inbox]
) -> None:
    way = make()
    for inbox in inboxes:
        inbox.play(Rule(phase=Phase.CONNECT, reply="421 4.3.2 Closed", action=Action.CLOSE))
    for _ in range(3):
        lost = way.send()
        assert isinstance(lost.verdict, TryLater)
        assert lost.concern is Concern.PROVIDER
    assert way.try_to_send(outgoing(AN)) == Pause(reason=NO_PROVIDER)
    way.monitor.look()
    assert not way.tap.open
    inboxes[1].play()

    def back() -> bool:
        way.monitor.look()
        return way.tap.open

    eventually(back)
    assert way.tap.turns == 2
    assert way.send().provider == name(inboxes[1])


def test_a_try_connects_and_takes_its_leave_without_a_letter(
    make: Make, inboxes: tuple[Inbox, Inbox]
) -> None:
    first = inboxes[0]
    way = make(first.smtp_url)
    first.play(Rule(phase=Phase.MAIL, reply="535 5.7.8 Bad credentials"))
    assert isinstance(way.send().verdict, Pause)
    asked = len(first.connections())

    def tried() -> bool:
        way.monitor.look()
        return way.tap.open

    eventually(tried)
    eventually(lambda: "MAIL" not in first.connections()[0].commands)
    assert len(first.connections()) == asked + 1


def test_a_server_that_asks_for_less_gets_less(make: Make, inboxes: tuple[Inbox, Inbox]) -> None:
    way = make(inboxes[0].smtp_url)
    inboxes[0].play(Rule(phase=Phase.MAIL, reply="421 4.3.2 Slow down", action=Action.CLOSE, times=1))
    way.send()
    (row,) = way.monitor._store.look([name(inboxes[0])])
    assert row.width < 0.1
    assert row.speed < 0.6
    assert way.send().verdict == Sent()


def test_a_way_out_needs_the_ledger(make: Make, inboxes: tuple[Inbox, Inbox]) -> None:
    way = make(inboxes[0].smtp_url)
    way.session_lock.leave()
    with pytest.raises(LedgerUnavailable):
        way.send()

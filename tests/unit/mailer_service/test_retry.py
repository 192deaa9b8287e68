"""The waiting policy."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_contract.topology import WaitTier
from mailer_service.delivery.outcome import (
    Ambiguous,
    Dead,
    Expired,
    OtherProvider,
    Pause,
    Sent,
    Suppress,
    Tries,
    TryLater,
    Unconfirmed,
    Verdict,
)
from mailer_service.delivery.retry import next_tier, plan, tier_of
from mailer_service.smtp.reply_row import FULL_MAILBOX, NO_MAIL_IN_DOMAIN, NO_MAILBOX, NO_MAILBOX_NOW

DAY = timedelta(days=1)
CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)
UNJITTERED = 0.5


def test_the_schedule_without_jitter_climbs_and_stays_at_two_hours() -> None:
    tiers = [
        next_tier(attempt=attempt, at_least=timedelta(), remaining=DAY, chance=UNJITTERED)
        for attempt in range(1, 11)
    ]
    assert tiers == [WaitTier.S10, WaitTier.M1, WaitTier.M5, WaitTier.M30, *[WaitTier.H2] * 6]


def test_jitter_spreads_the_same_attempt_over_neighbouring_tiers() -> None:
    tiers = {next_tier(attempt=3, at_least=timedelta(), remaining=DAY, chance=n / 100) for n in range(100)}
    assert tiers == {WaitTier.M1, WaitTier.M5, WaitTier.M30}


@given(
    attempt=st.integers(1, 30),
    at_least=st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=2)),
    remaining=st.timedeltas(min_value=-DAY, max_value=DAY),
    chance=CHANCES,
)
def test_no_letter_waits_past_its_expiry_nor_returns_sooner_than_asked(
    attempt: int, at_least: timedelta, remaining: timedelta, chance: float
) -> None:
    tier = next_tier(attempt=attempt, at_least=at_least, remaining=remaining, chance=chance)
    if tier is None:
        assert not any(at_least <= known.delay < remaining for known in WaitTier)
    else:
        assert at_least <= tier.delay < remaining


def test_a_letter_near_its_expiry_waits_less_rather_than_not_at_all() -> None:
    tier = next_tier(attempt=9, at_least=timedelta(), remaining=timedelta(minutes=10), chance=UNJITTERED)
    assert tier is WaitTier.M5


def test_a_letter_that_cannot_be_tried_again_in_time_has_expired() -> None:
    outcome = plan(
        TryLater(reason="451"), attempt=1, ambiguities=0, remaining=timedelta(seconds=9), chance=UNJITTERED
    )
    assert outcome == Expired()


def test_a_verdict_with_limited_tries_ends_as_dead_with_its_reason() -> None:
    verdict = TryLater(reason="protocol_error", tries=Tries(kind="odd", at_most=3))
    planned = [
        plan(verdict, attempt=9, refusals=n, ambiguities=0, remaining=DAY, chance=UNJITTERED)
        for n in (1, 2, 3)
    ]
    assert [type(one) for one in planned] == [TryLater, TryLater, Dead]
    assert planned[-1] == Dead(reason="protocol_error")


def test_an_ambiguous_letter_is_sent_again_twice_at_most() -> None:
    verdict = Ambiguous(reason="timeout_after_dot", after=timedelta(minutes=1))
    plans = [plan(verdict, attempt=n, ambiguities=n, remaining=DAY, chance=UNJITTERED) for n in (1, 2, 3)]
    assert [type(planned) for planned in plans] == [Ambiguous, Ambiguous, Unconfirmed]


@pytest.mark.parametrize(
    "verdict",
    [
        TryLater(reason="4.3.0"),
        Ambiguous(reason="timeout_after_dot", after=timedelta(minutes=1)),
        Pause(reason="4.3.0"),
    ],
)
def test_a_letter_that_a_server_may_have_is_unconfirmed_when_its_time_is_over(verdict: Verdict) -> None:
    planned = plan(verdict, attempt=2, ambiguities=1, remaining=timedelta(seconds=9), chance=UNJITTERED)
    assert isinstance(planned, Unconfirmed)


@pytest.mark.parametrize(
    "verdict",
    [
        Dead(reason="5.7.1"),
        Dead(reason="5.2.2", suppress=FULL_MAILBOX),
        Dead(reason="550", suppress=NO_MAILBOX_NOW),
        OtherProvider(reason="5.7.1", otherwise=Dead(reason="5.7.1")),
        TryLater(reason="4.2.2", tries=Tries(kind="full", at_most=1)),
        TryLater(reason="4.2.2", after=timedelta(days=2), ends_dead=True),
    ],
)
def test_a_letter_that_a_server_may_have_is_never_said_to_be_dead(verdict: Verdict) -> None:
    dead = plan(verdict, attempt=2, refusals=1, ambiguities=0, remaining=DAY, chance=UNJITTERED)
    assert isinstance(dead, Dead)
    planned = plan(verdict, attempt=2, refusals=1, ambiguities=1, remaining=DAY, chance=UNJITTERED)
    assert planned == Unconfirmed(reason=dead.reason, suppress=dead.suppress)


@pytest.mark.parametrize("suppress", [NO_MAILBOX, NO_MAIL_IN_DOMAIN])
def test_a_letter_to_a_mailbox_that_is_not_there_is_dead_also_after_a_doubt(suppress: Suppress) -> None:
    verdict = Dead(reason="5.1.1", suppress=suppress)
    assert plan(verdict, attempt=2, ambiguities=1, remaining=DAY, chance=UNJITTERED) == verdict


def test_an_ambiguous_letter_is_never_sent_again_at_once() -> None:
    verdict = Ambiguous(reason="timeout_after_dot", after=timedelta(minutes=1))
    for chance in (0.0, 0.5, 0.99):
        planned = plan(verdict, attempt=1, ambiguities=1, remaining=DAY, chance=chance)
        assert isinstance(planned, Ambiguous)
        assert planned.after >= timedelta(minutes=1)


@given(chance=CHANCES, attempt=st.integers(1, 30))
def test_what_is_final_stays_as_it_is(chance: float, attempt: int) -> None:
    for verdict in (Sent(), Dead(reason="5.1.1")):
        assert plan(verdict, attempt=attempt, ambiguities=0, remaining=DAY, chance=chance) == verdict


def test_a_full_mailbox_is_dead_where_it_cannot_wait_long_enough() -> None:
    verdict = TryLater(
        reason="4.2.2", after=timedelta(minutes=30), tries=Tries(kind="full", at_most=3), ends_dead=True
    )
    soon = timedelta(minutes=10)
    assert plan(verdict, attempt=1, ambiguities=0, remaining=soon, chance=UNJITTERED) == Dead(reason="4.2.2")
    waits = [
        plan(verdict, attempt=n, refusals=n, ambiguities=0, remaining=DAY, chance=chance)
        for n in (1, 2)
        for chance in (0, UNJITTERED, 0.99)
    ]
    assert {planned.after for planned in waits if isinstance(planned, TryLater)} == {timedelta(minutes=30)}
    assert plan(verdict, attempt=3, refusals=3, ambiguities=0, remaining=DAY, chance=UNJITTERED) == Dead(
        reason="4.2.2"
    )


@given(chance=CHANCES, attempt=st.integers(1, 12))
def test_a_greylisted_letter_waits_at_least_five_minutes_for_the_same_provider(
    chance: float, attempt: int
) -> None:
    verdict = TryLater(reason="4.7.1", after=timedelta(minutes=5), same_provider=True)
    planned = plan(verdict, attempt=attempt, ambiguities=0, remaining=DAY, chance=chance)
    assert isinstance(planned, TryLater)
    assert planned.same_provider
    assert planned.after >= timedelta(minutes=5)


def test_where_no_other_provider_is_left_the_otherwise_holds() -> None:
    later, dead = TryLater(reason="timeout"), Dead(reason="5.7.1")
    for otherwise, kind in ((later, TryLater), (dead, Dead)):
        verdict = OtherProvider(reason="why", otherwise=otherwise)
        planned = plan(verdict, attempt=1, ambiguities=0, remaining=DAY, chance=UNJITTERED)
        assert isinstance(planned, kind)


@given(chance=CHANCES, attempt=st.integers(1, 500))
def test_a_paused_letter_is_back_in_a_minute_however_often_it_was_paused(chance: float, attempt: int) -> None:
    planned = plan(Pause(reason="5.7.8"), attempt=attempt, ambiguities=0, remaining=DAY, chance=chance)
    assert planned == Pause(reason="5.7.8", after=timedelta(minutes=1))


def test_a_paused_letter_near_its_expiry_waits_less_and_then_expires() -> None:
    planned = [
        plan(Pause(reason="x"), attempt=1, ambiguities=0, remaining=timedelta(seconds=s), chance=UNJITTERED)
        for s in (61, 30, 9)
    ]
    assert planned == [
        Pause(reason="x", after=timedelta(minutes=1)),
        Pause(reason="x", after=timedelta(seconds=10)),
        Expired(),
    ]


@given(st.sampled_from(list(WaitTier)))
def test_every_tier_is_found_again_by_its_delay(tier: WaitTier) -> None:
    assert tier_of(tier.delay) is tier


def test_a_delay_shorter_than_every_tier_is_the_shortest() -> None:
    assert tier_of(timedelta()) is WaitTier.S10

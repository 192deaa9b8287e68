"""The waiting policy."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mail_contract.topology import WaitTier
from mailer_service.delivery.outcome import Ambiguous, Dead, Expired, Sent, TryLater
from mailer_service.delivery.retry import next_tier, plan, tier_of

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
    verdict = TryLater(reason="protocol_error", tries=3)
    assert isinstance(plan(verdict, attempt=2, ambiguities=0, remaining=DAY, chance=UNJITTERED), TryLater)
    assert plan(verdict, attempt=3, ambiguities=0, remaining=DAY, chance=UNJITTERED) == Dead(
        reason="protocol_error"
    )


def test_an_ambiguous_letter_is_sent_again_twice_at_most() -> None:
    verdict = Ambiguous(reason="timeout_after_dot", after=timedelta(minutes=1))
    plans = [plan(verdict, attempt=n, ambiguities=n, remaining=DAY, chance=UNJITTERED) for n in (1, 2, 3)]
    assert [type(planned) for planned in plans] == [Ambiguous, Ambiguous, Dead]


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


@given(st.sampled_from(list(WaitTier)))
def test_every_tier_is_found_again_by_its_delay(tier: WaitTier) -> None:
    assert tier_of(tier.delay) is tier


def test_a_delay_shorter_than_every_tier_is_the_shortest() -> None:
    assert tier_of(timedelta()) is WaitTier.S10

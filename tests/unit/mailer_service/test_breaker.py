"""When a provider is given up and how often it is tried."""

from mailer_service.delivery.outcome import Concern
from mailer_service.providers.breaker import Breaker, Opening, Probing


def test_a_provider_is_given_up_after_three_failures_in_a_row() -> None:
    breaker = Breaker(threshold=3)
    told = [breaker.judge(Concern.PROVIDER, "connection_refused") for _ in range(5)]
    assert told == [None, None, Opening(reason="connection_refused"), None, None]
    assert breaker.opening == Opening(reason="connection_refused")


def test_a_letter_that_gets_through_starts_the_count_again() -> None:
    breaker = Breaker(threshold=2)
    for concern in (Concern.PROVIDER, Concern.NONE, Concern.PROVIDER, Concern.DOMAIN, Concern.PROVIDER):
        assert breaker.judge(concern, "421") is None


def test_a_refused_account_is_given_up_at_once_and_told_once() -> None:
    breaker = Breaker(threshold=3)
    assert breaker.judge(Concern.ACCOUNT, "535") == Opening(reason="535", account=True)
    assert breaker.judge(Concern.ACCOUNT, "535") is None


def test_a_provider_that_is_back_has_its_failures_forgotten() -> None:
    breaker = Breaker(threshold=2)
    breaker.judge(Concern.PROVIDER, "421")
    breaker.follow(Opening(reason="421"), openings=1)
    breaker.follow(None, openings=1)
    assert breaker.opening is None
    assert breaker.judge(Concern.PROVIDER, "421") is None


def test_the_tries_of_an_hour_are_few() -> None:
    probing = Probing()
    pauses = [probing.pause_after(openings) for openings in range(1, 100)]
    assert pauses[:3] == [2.0, 4.0, 8.0]
    assert max(pauses) == 120.0
    tries, elapsed = 0, 0.0
    while elapsed < 3600:
        elapsed += pauses[tries]
        tries += 1
    assert tries < 40

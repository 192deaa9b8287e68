"""When a provider is given up and how often it is tried."""

from mailer_service.delivery.outcome import Concern
from mailer_service.providers.circuit import Circuit, OpenCircuit, ProbeBackoff


def test_a_provider_is_given_up_after_three_failures_in_a_row() -> None:
    circuit = Circuit(threshold=3)
    told = [circuit.judge(Concern.PROVIDER, "connection_refused") for _ in range(5)]
    assert told == [None, None, OpenCircuit(reason="connection_refused"), None, None]
    assert circuit.open_circuit == OpenCircuit(reason="connection_refused")


def test_a_letter_that_gets_through_starts_the_count_again() -> None:
    circuit = Circuit(threshold=2)
    for concern in (Concern.PROVIDER, Concern.NONE, Concern.PROVIDER, Concern.DOMAIN, Concern.PROVIDER):
        assert circuit.judge(concern, "421") is None


def test_a_refused_account_is_given_up_at_once_and_told_once() -> None:
    circuit = Circuit(threshold=3)
    assert circuit.judge(Concern.ACCOUNT, "535") == OpenCircuit(reason="535", account=True)
    assert circuit.judge(Concern.ACCOUNT, "535") is None


def test_a_provider_that_is_back_has_its_failures_forgotten() -> None:
    circuit = Circuit(threshold=2)
    circuit.judge(Concern.PROVIDER, "421")
    circuit.follow(OpenCircuit(reason="421"), openings=1, set_up=False)
    circuit.follow(None, openings=1, set_up=False)
    assert circuit.open_circuit is None
    assert circuit.judge(Concern.PROVIDER, "421") is None


def test_the_tries_of_an_hour_are_few() -> None:
    probe_backoff = ProbeBackoff()
    pauses = [probe_backoff.pause_after(openings) for openings in range(1, 100)]
    assert pauses[:3] == [2.0, 4.0, 8.0]
    assert max(pauses) == 120.0
    tries, elapsed = 0, 0.0
    while elapsed < 3600:
        elapsed += pauses[tries]
        tries += 1
    assert tries < 40


def test_that_we_may_not_send_like_this_is_believed_of_three_domains_in_a_row() -> None:
    circuit = Circuit(threshold=3)
    told = [
        circuit.judge(Concern.SET_UP, "5.7.1", domain=domain)
        for domain in ("a.example", "a.example", "b.example", "b.example", "c.example")
    ]
    assert told == [None, None, None, None, OpenCircuit(reason="5.7.1", account=True, set_up=True)]


def test_a_letter_that_another_domain_takes_means_that_the_set_up_is_right() -> None:
    circuit = Circuit(threshold=3)
    for domain in ("a.example", "b.example", "c.example", "d.example"):
        assert circuit.judge(Concern.SET_UP, "5.7.1", domain=domain) is None
        circuit.judge(Concern.NONE, "")


def test_where_the_set_up_was_found_wrong_before_one_refusal_is_enough() -> None:
    circuit = Circuit(threshold=3)
    circuit.follow(None, openings=2, set_up=True)
    assert circuit.judge(Concern.SET_UP, "5.7.1", domain="a.example") is not None


def test_after_an_outage_one_domain_that_denies_relaying_closes_nothing() -> None:
    circuit = Circuit(threshold=3)
    circuit.follow(OpenCircuit(reason="connection_refused"), openings=4, set_up=False)
    circuit.follow(None, openings=4, set_up=False)
    assert circuit.judge(Concern.SET_UP, "5.7.1", domain="a.example") is None


def test_a_quota_is_certain_at_once_and_asked_after_more_rarely() -> None:
    open_circuit = Circuit().judge(Concern.QUOTA, "5.4.5", reply="550 5.4.5 Daily limit")
    assert open_circuit == OpenCircuit(
        reason="5.4.5", account=True, quota=True, reply="550 5.4.5 Daily limit"
    )
    probe_backoff = ProbeBackoff(first_seconds=2, limit_seconds=120)
    assert [probe_backoff.of(open_circuit).pause_after(n) for n in (1, 2, 3, 20)] == [60, 120, 240, 3600]
    assert probe_backoff.of(OpenCircuit(reason="5.7.8", account=True)) == probe_backoff

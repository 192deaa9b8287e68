"""Rows 7, 8 and 10: the broker dies again and again, freezes, vanishes without a word, stays away."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterClass
from service_runtime.celery.app import HEARTBEAT_SECONDS
from support.eventually import eventually
from support.faults.duration import lasting
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.proxy import proxy_to
from support.faults.scenario import Scenario

BUSY = Rule(phase=Phase.RCPT, reply="451 4.3.0 Try later", times=40)
"""So that letters wait on the broker, too."""


@pytest.mark.timeout(1800)
@row(7, "kill -9 broker while publishing, consuming and waiting", quick=True)
def test_every_process_finds_a_killed_broker_again(scenario: Scenario) -> None:
    kills = scenario.size(20, 3)
    scenario.up(mailers=2)
    scenario.play(BUSY, Rule(phase=Phase.DATA, delay_seconds=0.05))
    with scenario.registering(scenario.size(600, 90), patience=900) as crowd:
        for n in range(1, kills + 1):
            scenario.commit(scenario.size(100, 30))
            crowd.wait_for(n * len(crowd.people) // (kills + 1), within=300)
            scenario.infra.kill_broker()
            scenario.infra.start_broker()
    scenario.healed()
    scenario.settle(within=300)


@pytest.mark.timeout(900)
@row(8, "SIGSTOP broker 2 min")
def test_a_frozen_broker_is_noticed_and_what_waited_leaves_when_it_thaws(scenario: Scenario) -> None:
    scenario.up()
    with scenario.registering(scenario.size(300, 60), patience=400) as crowd:
        crowd.wait_for(10)
        with frozen_broker(scenario):
            lasting(scenario.size(120, 3 * HEARTBEAT_SECONDS + 5))
            assert "broker_lost" in scenario.services.log("relay")
    scenario.healed()
    scenario.settle(within=300)


@pytest.mark.timeout(900)
@row(8, "connection silently cut", quick=True)
def test_a_connection_that_went_dead_without_a_word_is_replaced_within_three_heartbeats(
    scenario: Scenario,
) -> None:
    auth, mailer = scenario.broker.url("auth"), scenario.broker.url("mailer")
    with proxy_to(auth) as relays, proxy_to(auth) as workers, proxy_to(mailer) as mailers:
        scenario.up(
            env={
                "relay": {"AUTH_BROKER_URL": relays.address},
                "auth-worker": {"AUTH_BROKER_URL": workers.address},
                "mailer": {"MAILER_BROKER_URL": mailers.address},
            }
        )
        cables = (relays, workers, mailers)
        with scenario.registering(scenario.size(200, 40)) as crowd:
            crowd.wait_for(10)
            before = [cable.accepted for cable in cables]
            for cable in cables:
                cable.go_dead()

            def all_connected_anew() -> bool:
                return all(cable.accepted > old for cable, old in zip(cables, before, strict=True))

            eventually(all_connected_anew, within=3 * HEARTBEAT_SECONDS + 5, every=0.5)
        scenario.healed()
        # What the dead connections held is given out again when the broker misses their heartbeats.
        scenario.settle(within=180)


@pytest.mark.timeout(1500)
@row(10, "broker away 10 min", quick=True)
def test_the_outbox_grows_and_then_drains_in_order_of_class(scenario: Scenario) -> None:
    count = scenario.size(1000, 60)
    scenario.up()
    scenario.infra.stop_broker()
    with scenario.registering(scenario.size(300, 30)):
        bulk = scenario.commit(count, LetterClass.BULK)
        standard = scenario.commit(count, LetterClass.STANDARD)
        urgent = scenario.commit(count, LetterClass.URGENT)
        lasting(scenario.size(600, 15))
    assert scenario.outbox_rows() >= 3 * count
    scenario.infra.start_broker()
    scenario.healed()
    scenario.settle(within=300)
    left = dict(
        rows(
            scenario.services.at.auth_database,
            "SELECT letter_id::text, extract(epoch FROM at) FROM letter_events WHERE state = 'queued'",
        )
    )
    # Of some the report came before the relay had noted that they left.
    moments = [
        [left[str(letter)] for letter in letters if str(letter) in left]
        for letters in (urgent, standard, bulk)
    ]
    assert all(len(known) > count // 4 for known in moments)
    for sooner, later in pairwise(moments):
        assert max(sooner) <= min(later)


@contextmanager
def frozen_broker(scenario: Scenario) -> Iterator[None]:
    scenario.infra.broker.freeze()
    try:
        yield
    finally:
        scenario.infra.broker.thaw()

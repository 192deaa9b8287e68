"""Whether messages move."""

from collections import Counter
from dataclasses import replace

import pytest

from mail_contract.topology import TOPOLOGY
from postern_rabbitmq.doctor.finding import Code, Severity
from postern_rabbitmq.doctor.queues import (
    CONSUMED,
    consumers,
    dead_letters,
    paused,
    progress,
    unroutable,
    urgent_alone,
)
from support.healthy import healthy, with_queue, with_queue_all_along


def test_every_queue_a_service_reads_and_no_other_needs_a_consumer() -> None:
    idle = replace(healthy(), consumers=Counter())
    assert [finding.object for finding in consumers(idle)] == list(CONSUMED)
    assert not [name for name in CONSUMED if ".wait." in name or name.endswith("dead")]
    assert {finding.code for finding in consumers(idle)} == {Code.NO_CONSUMER}


@pytest.mark.parametrize("queue", sorted(set(TOPOLOGY.queues) - set(CONSUMED)))
def test_a_resting_queue_needs_nobody(queue: str) -> None:
    assert queue.startswith("mailer.wait.") or queue in {"mailer.dead", "auth.reports.dead", "unroutable"}


@pytest.mark.parametrize(
    ("queue", "service"), [("auth.reports", "auth-service worker"), ("mailer.bulk", "mailer-service worker")]
)
def test_the_fix_names_the_worker_that_is_missing(queue: str, service: str) -> None:
    everybody = healthy().consumers
    (finding,) = consumers(replace(healthy(), consumers=everybody - Counter({queue: 1})))
    assert service in finding.fix


def test_mailers_that_run_and_take_no_letters_are_paused_and_no_more_of_them_are_asked_for() -> None:
    letters = Counter({"mailer.urgent": 9, "mailer.standard": 9, "mailer.bulk": 9})
    away = replace(
        with_queue(healthy(), "mailer.urgent", messages=3), consumers=healthy().consumers - letters
    )
    (finding,) = paused(away)
    assert finding.code is Code.PAUSED
    assert "3 messages" in finding.sentence
    assert list(consumers(away)) == []
    assert list(paused(healthy())) == []
    assert list(paused(replace(healthy(), consumers=Counter()))) == []


def test_a_consumer_that_does_not_acknowledge_is_an_error() -> None:
    (finding,) = consumers(replace(healthy(), ackless=Counter({"mailer.urgent": 1})))
    assert (finding.code, finding.object) == (Code.CONSUMER_WITHOUT_ACK, "mailer.urgent")


def test_urgent_letters_without_a_worker_of_their_own_are_a_warning() -> None:
    shared = replace(healthy(), alone=Counter({"mailer.bulk": 1}))
    (finding,) = urgent_alone(shared)
    assert (finding.code, finding.severity) == (Code.URGENT_NOT_ALONE, Severity.WARNING)
    assert "MAILER_QUEUES=mailer.urgent" in finding.fix
    assert list(urgent_alone(healthy())) == []


def test_urgent_letters_without_any_worker_are_said_to_be_so_only_once() -> None:
    assert list(urgent_alone(replace(healthy(), consumers=Counter(), alone=Counter()))) == []


def test_a_queue_with_messages_and_consumers_but_no_acknowledgement_is_stuck() -> None:
    (finding,) = progress(with_queue_all_along(healthy(), "mailer.urgent", ready=3, messages=5, acks=9))
    assert finding.code is Code.STUCK
    assert "3 messages ready, 1 consumers, nothing acknowledged in 6 s" in finding.sentence


def test_a_queue_that_acknowledges_is_not_stuck() -> None:
    before = with_queue_all_along(healthy(), "mailer.urgent", ready=3, messages=5, acks=9)
    assert list(progress(with_queue(before, "mailer.urgent", acks=10))) == []


def test_a_queue_that_gets_shorter_is_not_stuck() -> None:
    before = with_queue_all_along(healthy(), "mailer.urgent", ready=3, messages=5, acks=9)
    assert list(progress(with_queue(before, "mailer.urgent", messages=4, ready=2))) == []


def test_a_queue_without_consumers_is_not_stuck_but_unconsumed() -> None:
    full = with_queue_all_along(healthy(), "mailer.urgent", ready=3, messages=3)
    assert list(progress(replace(full, consumers=Counter()))) == []


def test_waiting_letters_are_not_stuck() -> None:
    full = with_queue_all_along(healthy(), "mailer.wait.2h", ready=3, messages=3)
    assert list(progress(replace(full, consumers=Counter({"mailer.wait.2h": 1})))) == []


def test_dead_letters_whose_target_does_not_confirm_are_named() -> None:
    (finding,) = progress(with_queue_all_along(healthy(), "mailer.wait.1m", dead_lettering=2, messages=2))
    assert finding.code is Code.DEAD_LETTERING_STUCK
    assert finding.sentence.startswith("2 messages of mailer.wait.1m wait for their dead-letter target")


@pytest.mark.parametrize("queue", ["mailer.dead", "auth.reports.dead"])
def test_dead_letters_are_a_warning(queue: str) -> None:
    (finding,) = dead_letters(with_queue_all_along(healthy(), queue, messages=1))
    assert (finding.code, finding.severity) == (Code.DEAD_LETTERS, Severity.WARNING)
    assert finding.sentence == f"1 message in {queue}"


def test_dead_letters_that_become_more_are_an_error() -> None:
    before = with_queue_all_along(healthy(), "mailer.dead", messages=4)
    (finding,) = dead_letters(with_queue(before, "mailer.dead", messages=6))
    assert (finding.code, finding.severity) == (Code.DEAD_LETTERS_GROWING, Severity.ERROR)
    assert finding.sentence == "mailer.dead is growing: 2 more in 6 s, 6 in all"


def test_dead_letters_that_come_while_others_are_redriven_are_seen_by_the_counter() -> None:
    before = with_queue_all_along(healthy(), "mailer.dead", messages=4, published=4)
    (finding,) = dead_letters(with_queue(before, "mailer.dead", messages=1, published=5))
    assert finding.code is Code.DEAD_LETTERS_GROWING


def test_a_counter_that_starts_again_with_the_node_is_no_growth() -> None:
    before = with_queue_all_along(healthy(), "mailer.dead", published=40)
    assert list(dead_letters(with_queue(before, "mailer.dead", published=0))) == []


def test_a_message_without_a_queue_is_an_error() -> None:
    (finding,) = unroutable(with_queue(healthy(), "unroutable", messages=2))
    assert (finding.code, finding.severity) == (Code.UNROUTABLE, Severity.ERROR)


def test_a_queue_that_is_missing_is_left_to_the_drift() -> None:
    bare = replace(healthy(), queues={}, earlier={})
    assert [f for check in (consumers, progress, dead_letters, unroutable) for f in check(bare)] == []

"""Row 28: the broker loses messages for good: every queue is purged, or its disk is gone."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from kombu import Connection

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterClass
from mail_contract.tasks import END_LOST_LETTERS, RENEW_LETTERS
from mail_contract.topology import (
    AUTH_REPORTS,
    CLASS_QUEUES,
    MAILER_BULK,
    MAILER_CANCELLATIONS,
    MAILER_DEAD,
    MAILER_URGENT,
    MAINTENANCE_ROUTE,
    TOPOLOGY,
    WaitTier,
    build_topology,
)
from postern_local.lost_letters import lost_letters
from postern_rabbitmq.doctor.examination import diagnose
from postern_rabbitmq.doctor.finding import Code
from support.eventually import eventually
from support.faults.gathering import messages_in_queues, rows
from support.faults.matrix import row
from support.faults.neighbours import plant_neighbours
from support.faults.scenario import SHORT, Scenario
from support.raw_messages import publish_raw

LATER = Rule(phase=Phase.RCPT, reply="451 4.3.0 Try again later")
LONG = build_topology({tier: timedelta(hours=1) for tier in WaitTier})
OPEN = "state IN ('accepted', 'queued', 'deferred')"


def fill_every_queue(scenario: Scenario, count: int) -> None:
    """People who register wait for a next attempt, told of or not; other letters, and a withdrawal, for a mailer."""
    scenario.up()
    scenario.idle()
    scenario.broker.apply(LONG)
    scenario.play(LATER)
    scenario.services.stop("auth-worker")
    with scenario.registering(count):
        pass
    eventually(lambda: waiting(scenario) == count, within=90)
    scenario.services.stop("mailer")
    letters = [*scenario.commit(count), *scenario.commit(count, LetterClass.BULK)]
    scenario.post.outbox.cancel(letters[0])
    eventually(lambda: scenario.outbox_rows() == 0, within=60)
    full = {MAILER_URGENT, MAILER_BULK, MAILER_CANCELLATIONS, AUTH_REPORTS}
    eventually(lambda: all(messages_in_queues(scenario.broker)[queue] for queue in full), within=10)


def waiting(scenario: Scenario) -> int:
    found = messages_in_queues(scenario.broker)
    return sum(found[tier.queue] for tier in WaitTier)


def missing(scenario: Scenario) -> dict[str, str]:
    """What doctor says of it, by whose letters they are."""
    at = scenario.services.at
    check = lost_letters(auth=at.auth_database.admin_url, mailer=at.mailer_database.admin_url)
    diagnosis = diagnose(
        scenario.broker.admin,
        vhost=scenario.broker.vhost,
        topology=LONG,
        user_prefix=scenario.broker.user_prefix,
        further=[check],
        interval=1,
    )
    return {one.object: one.sentence for one in diagnosis.findings if one.code is Code.LETTERS_LOST}


def ask_for(scenario: Scenario, task: str) -> None:
    """As beat does when it is time."""
    with Connection(scenario.broker.url("auth")) as connection:
        headers = {"task": task, "id": str(uuid4()), "lang": "py"}
        publish_raw(connection, b"[[], {}, {}]", headers=headers, route=MAINTENANCE_ROUTE)


def lose(scenario: Scenario, loss: Callable[[Scenario], None]) -> None:
    count = scenario.size(300, 30)
    fill_every_queue(scenario, count)
    at = scenario.services.at
    let_a_moment_pass(scenario)
    assert missing(scenario) == {}
    loss(scenario)
    found = missing(scenario)
    assert f"{count} letters wait in the ledger, the broker holds 0" in found["the ledger"]
    assert f"{3 * count} letters wait in auth-service, the broker holds 0" in found["auth-service"]
    scenario.play()
    scenario.broker.apply(SHORT)
    scenario.services.start("auth-worker")
    scenario.services.start("mailer")
    scenario.services.wait_until_ready()
    rows(
        at.auth_database,
        "UPDATE letters SET created_at = created_at - interval '2 days', expires_at = now() - interval '3 hours'"
        f" WHERE {OPEN}",
    )
    if not messages_in_queues(scenario.broker)[MAILER_DEAD]:
        scenario.planted = plant_neighbours(scenario.post, scenario.broker)
    scenario.healed()
    ask_for(scenario, END_LOST_LETTERS)
    eventually(lambda: open_letters(scenario) == 0, within=60)
    ask_for(scenario, RENEW_LETTERS)
    scenario.wait_for_delivered(count, within=90)
    evidence = scenario.settle()
    assert evidence.copies == 0
    states = rows(at.auth_database, "SELECT state, count(*) FROM letters WHERE renewal = 0 GROUP BY state")
    assert dict(states)["expired"] == 3 * count
    assert missing(scenario) == {}


def let_a_moment_pass(scenario: Scenario) -> None:
    """Nothing is known for less than the seconds that doctor allows for."""
    at = scenario.services.at
    rows(at.auth_database, "UPDATE letter_events SET at = at - interval '1 minute'")
    rows(at.mailer_database, "UPDATE letters SET updated_at = updated_at - interval '1 minute'")


def open_letters(scenario: Scenario) -> int:
    ((count,),) = rows(scenario.services.at.auth_database, f"SELECT count(*) FROM letters WHERE {OPEN}")
    return int(count)


def purge(scenario: Scenario) -> None:
    for queue in TOPOLOGY.queues:
        if queue != MAILER_DEAD:
            scenario.broker.purge(queue)
    eventually(lambda: not any(messages_in_queues(scenario.broker)[queue] for queue in CLASS_QUEUES.values()))


def lose_the_disk(scenario: Scenario) -> None:
    infra = scenario.infra
    infra.kill_broker()
    shutil.rmtree(infra.node.home / "data")
    infra.start_broker()
    scenario.broker.apply(LONG)
    eventually(lambda: set(messages_in_queues(scenario.broker)) >= set(TOPOLOGY.queues), within=30)


@pytest.mark.timeout(600)
@row(28, "every queue purged, with letters in each", quick=True)
def test_letters_of_purged_queues_are_noticed_ended_and_renewed(scenario: Scenario) -> None:
    lose(scenario, purge)


@pytest.mark.timeout(600)
@row(28, "broker's disk lost, with letters in every queue", quick=True)
def test_letters_on_a_lost_disk_are_noticed_ended_and_renewed(scenario: Scenario) -> None:
    lose(scenario, lose_the_disk)

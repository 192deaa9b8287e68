"""Rows 9, 12 and 13: the broker lives and refuses: alarms, missing bindings, full queues, revoked rights."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterClass
from mail_contract.topology import MAIL, MAIL_DEAD, MAILER_BULK, MAILER_DEAD, MAILER_URGENT
from support.eventually import eventually
from support.faults.duration import lasting
from support.faults.gathering import messages_in_queues
from support.faults.matrix import row
from support.faults.scenario import SHORT, Scenario

ALARMS = {
    "memory alarm": (("set_vm_memory_high_watermark", "0"), ("set_vm_memory_high_watermark", "0.6")),
    "disk alarm": (("set_disk_free_limit", "900000GB"), ("set_disk_free_limit", "50MB")),
}
RELAY = {"AUTH_RELAY_LEASE_SECONDS": "6"}


@contextmanager
def alarm(scenario: Scenario, kind: str) -> Iterator[None]:
    raised, ended = ALARMS[kind]
    scenario.infra.rabbitmqctl(*raised)
    try:
        yield
    finally:
        scenario.infra.rabbitmqctl(*ended)


def complaints(scenario: Scenario) -> list[str]:
    """Reasons for which the relay said it could not publish, in their order."""
    lines = [line for line in scenario.services.log("relay").splitlines() if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    return [event["reason"] for event in events if event["event"] == "messages_not_published"]


def during_an_alarm(scenario: Scenario, kind: str) -> None:
    scenario.up(env={"relay": RELAY})
    with scenario.registering(scenario.size(200, 30)) as crowd:
        crowd.wait_for(5)
        with alarm(scenario, kind):
            before = len(scenario.peer.messages())
            letters = scenario.commit(scenario.size(500, 100))
            eventually(lambda: scenario.services.log("relay").count('"broker_lost"') >= 2, within=60)
            lasting(scenario.size(60, 5))
            states = scenario.auth_letters()
            queued = [letter for letter in letters if states[letter] != "accepted"]
            assert not queued, "settled though no broker confirmed it"
            assert len(scenario.peer.messages()) >= before
            crowd.wait_for(len(crowd.people), within=120)
    scenario.healed()
    scenario.settle(within=180)


@pytest.mark.timeout(600)
@row(9, "memory alarm", quick=True)
def test_a_memory_alarm_holds_letters_back_and_settles_nothing_falsely(scenario: Scenario) -> None:
    during_an_alarm(scenario, "memory alarm")


@pytest.mark.timeout(600)
@row(9, "disk alarm")
def test_a_disk_alarm_holds_letters_back_and_settles_nothing_falsely(scenario: Scenario) -> None:
    during_an_alarm(scenario, "disk alarm")


def refused_for_a_while(
    scenario: Scenario, *, break_it: Callable[[], None], mend_it: Callable[[], None], complaint: str
) -> None:
    """Letters committed meanwhile stay, the relay says why, and does not spin."""
    scenario.up()
    scenario.wait_for_delivered(0)
    eventually(lambda: scenario.outbox_rows() == 0, within=30)
    break_it()
    letters = scenario.commit(scenario.size(200, 40))
    seconds = scenario.size(60, 10)
    lasting(seconds)
    assert {scenario.auth_letters()[letter] for letter in letters} == {"accepted"}
    said = scenario.services.log("relay")
    assert complaint in said
    assert said.count('"messages_not_published"') + said.count('"broker_lost"') <= 10 + 2 * seconds
    mend_it()
    scenario.healed()
    scenario.settle(within=120)


def disconnect(scenario: Scenario, user: str) -> int:
    """Close the connections of a user; give back how many there were."""
    admin = scenario.broker.admin
    names = [one["name"] for one in admin.get("connections") if one.get("user") == user]
    for name in names:
        admin.delete("connections", name)
    return len(names)


@row(12, "binding deleted", quick=True)
def test_without_its_binding_a_letter_stays_in_the_outbox(scenario: Scenario) -> None:
    binding = ("bindings", scenario.broker.vhost, "e", MAIL, "q", MAILER_URGENT, "mail.urgent.#")
    refused_for_a_while(
        scenario,
        break_it=lambda: scenario.broker.admin.delete(*binding),
        mend_it=lambda: scenario.broker.apply(SHORT),
        complaint="returned 312",
    )


@row(12, "exchange deleted")
def test_without_its_exchange_a_letter_stays_in_the_outbox(scenario: Scenario) -> None:
    refused_for_a_while(
        scenario,
        break_it=lambda: scenario.broker.admin.delete("exchanges", scenario.broker.vhost, MAIL),
        mend_it=lambda: scenario.broker.apply(SHORT),
        complaint="404",
    )


@row(12, "rights revoked")
def test_without_its_rights_the_relay_keeps_its_letters(scenario: Scenario) -> None:
    broker = scenario.broker
    nothing = {"configure": "^$", "write": "^$", "read": "^auth\\.(reports|maintenance)$"}
    user = broker.user_prefix + "auth"

    def revoke() -> None:
        broker.admin.put("permissions", broker.vhost, user, body=nothing)
        # The broker remembers for a channel what it was allowed once: the rights end with the connection.
        eventually(lambda: disconnect(scenario, user))

    refused_for_a_while(
        scenario,
        break_it=revoke,
        mend_it=lambda: scenario.broker.apply(SHORT),
        complaint="403",
    )


@row(12, "queue full (reject-publish)", quick=True)
def test_a_full_queue_keeps_its_letters_in_the_outbox_and_no_others(scenario: Scenario) -> None:
    scenario.up()
    broker = scenario.broker
    full = {"max-length": 1, "overflow": "reject-publish", "dead-letter-exchange": MAIL_DEAD}
    policy = {"pattern": f"^{MAILER_BULK}$", "definition": full, "priority": 100, "apply-to": "queues"}
    broker.admin.put("policies", broker.vhost, "full", body=policy)
    eventually(lambda: broker.report(MAILER_BULK).get("policy") == "full")
    scenario.services.stop("mailer")
    scenario.commit(scenario.size(100, 20), LetterClass.BULK)

    def one_more_is_refused() -> bool:
        scenario.commit(1, LetterClass.BULK)
        return "nacked" in complaints(scenario)

    # Of one window more than the limit may come in, even all of it; once a letter was refused nothing does.
    eventually(one_more_is_refused, within=30, every=0.5)
    bulk = scenario.commit(scenario.size(100, 20), LetterClass.BULK)
    scenario.services.start("mailer", env={"MAILER_QUEUES": MAILER_URGENT})
    urgent = scenario.commit(scenario.size(100, 20))
    scenario.wait_until_sent(urgent)
    assert {scenario.auth_letters()[letter] for letter in bulk} == {"accepted"}
    broker.admin.delete("policies", broker.vhost, "full")
    scenario.services.start("mailer")
    scenario.healed()
    scenario.settle(within=180)


@pytest.mark.timeout(900)
@row(13, "dead-letter target unavailable")
def test_without_a_place_for_the_dead_their_source_keeps_them(scenario: Scenario) -> None:
    scenario.up()
    eventually(lambda: messages_in_queues(scenario.broker)[MAILER_DEAD] == 2, within=30)
    binding = ("bindings", scenario.broker.vhost, "e", MAIL_DEAD, "q", MAILER_DEAD, "#")
    scenario.broker.admin.delete(*binding)
    scenario.play(Rule(phase=Phase.RCPT, recipient="*.dead@*", reply="550 5.7.1 Not here"))
    doomed = [f"no{n}.dead@example.org" for n in range(5)]
    letters = scenario.commit(0, people=doomed)
    scenario.commit(scenario.size(100, 20))
    eventually(lambda: all(scenario.ledger().get(letter) for letter in letters), within=30)
    lasting(scenario.size(90, 10))
    queues = messages_in_queues(scenario.broker)
    assert queues[MAILER_DEAD] == 2
    assert sum(queues.values()) >= 2 + len(letters), "a dead letter is nowhere"
    scenario.broker.apply(SHORT)
    scenario.healed()
    evidence = scenario.settle(within=400)
    assert evidence.buried == set(letters)

"""Rows 18 and 19: messages that kill whoever takes them, and messages that are none; the others flow."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from amqp.exceptions import AMQPError
from kombu import Connection
from kombu.exceptions import KombuError

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterClass
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import DELIVERY_LIMIT
from support.eventually import eventually
from support.faults.gathering import dead_letters
from support.faults.matrix import row
from support.faults.scenario import Scenario
from support.raw_messages import publish_raw

MEBIBYTE = 2**20
HOUR = timedelta(hours=1)


@pytest.mark.timeout(900)
@row(18, "a letter that kills its worker every time")
def test_a_letter_that_kills_its_worker_is_dead_after_the_delivery_limit_and_others_flow(
    scenario: Scenario,
) -> None:
    scenario.up()
    scenario.idle()
    scenario.play(Rule(phase=Phase.RCPT, recipient="killer@*", delay_seconds=600))
    (killer,) = scenario.commit(0, people=["killer@example.org"])
    kills = 0
    while killer not in {dead.letter for dead in dead_letters(scenario.broker)}:
        others = scenario.commit(scenario.size(20, 5))

        def dead_or_in_hand() -> bool:
            entry = scenario.ledger().get(killer)
            in_hand = entry is not None and entry.attempts > kills and entry.state == "transmitting"  # noqa: B023
            return in_hand or killer in {dead.letter for dead in dead_letters(scenario.broker)}

        eventually(dead_or_in_hand, within=60, every=0.2)
        scenario.wait_until_sent(others)
        scenario.services.kill("mailer")
        kills += 1
        assert kills <= DELIVERY_LIMIT + 2, "nobody stops it"
        scenario.services.start("mailer")
        scenario.services.wait_until_ready()
    scenario.play()
    scenario.healed()
    evidence = scenario.settle()
    assert evidence.buried == {killer}
    assert killer not in evidence.received


@pytest.mark.timeout(900)
@row(
    19,
    "bad JSON, bad UTF-8, unknown task, wrong arity, unknown version, bad signature, unknown key",
    quick=True,
)
def test_what_is_no_letter_becomes_a_dead_letter(scenario: Scenario) -> None:
    scenario.up()
    letters = scenario.commit(scenario.size(200, 40))
    with confirmed(scenario) as publish:
        for task, body in hostile_bodies(scenario):
            scenario.planted.add(publish(task, body))
    letters += scenario.commit(scenario.size(200, 40))
    scenario.healed()
    evidence = scenario.settle()
    assert set(letters) <= evidence.received.keys()


@pytest.mark.timeout(900)
@row(19, "1–140 MiB body")  # noqa: RUF001
def test_a_huge_body_is_refused_by_the_broker_or_becomes_a_dead_letter(scenario: Scenario) -> None:
    scenario.up()
    refused = []
    for mebibytes in (1, 8, 140) if scenario.quick else (1, 8, 64, 127, 140):
        scenario.commit(20)
        with confirmed(scenario) as publish:
            try:
                scenario.planted.add(publish(DELIVER_LETTER, b"[" + b"x" * (mebibytes * MEBIBYTE)))
            except (AMQPError, KombuError, OSError):
                refused.append(mebibytes)
    assert 140 in refused
    assert 1 not in refused
    scenario.healed()
    scenario.settle(within=240)


def hostile_bodies(scenario: Scenario) -> Iterator[tuple[str, bytes]]:
    """Task and body of what a mailer must not believe; each is thrown five times."""
    genuine = scenario.post.seal("an@example.org", LetterClass.URGENT, now=datetime.now(UTC), lifetime=HOUR)
    other_locale = genuine.header.model_copy(update={"locale": "fr"})
    for _ in range(5):
        yield DELIVER_LETTER, b"{not json"
        yield DELIVER_LETTER, b"\xff\xfe"
        yield "mailer.format_disk", task_body({})
        yield DELIVER_LETTER, task_body()
        yield DELIVER_LETTER, task_body({}, {})
        yield DELIVER_LETTER, task_body({**genuine.model_dump(mode="json"), "header": {"version": 99}})
        yield (
            DELIVER_LETTER,
            task_body(genuine.model_copy(update={"header": other_locale}).model_dump(mode="json")),
        )
        yield (
            DELIVER_LETTER,
            task_body(genuine.model_copy(update={"signing_key_id": "nobodys"}).model_dump(mode="json")),
        )


def task_body(*args: object) -> bytes:
    """A Celery task's body."""
    return json.dumps(
        [args, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    ).encode()


@contextmanager
def confirmed(scenario: Scenario) -> Iterator[Callable[[str, bytes], UUID]]:
    """A way to throw a body where urgent letters arrive, which raises if the broker does not take it."""
    with Connection(
        scenario.broker.url("auth"), transport_options={"confirm_publish": True, "read_timeout": 60}
    ) as connection:

        def publish(task: str, body: bytes) -> UUID:
            message_id = UUID(int=scenario.chance.getrandbits(128), version=4)
            publish_raw(connection, body, headers={"task": task, "id": str(message_id), "lang": "py"})
            return message_id

        yield publish

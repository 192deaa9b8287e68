"""A message's priority, inside its class: that it arrives with every hop, and what the broker at hand makes of it.

What is expected of the order depends on the version that answers, so the same tests hold on another broker.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
from kombu import Connection

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LETTERS, LetterClass, LetterName
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import MAILER_STANDARD, MAILER_URGENT, WaitTier, build_topology, letter_route
from service_runtime.publishing.message import call_of
from support.broker import VirtualHost
from support.eventually import eventually
from support.mailroom import Mailroom
from support.operator import Operator, leave_dead
from support.publishing import publish

AN = "an@example.org"
PRIORITY = LETTERS[LetterName.VERIFY_ADDRESS].priority
LOW, HIGH = 2, 7
"""RabbitMQ 4.0 to 4.2 call more than 4 high."""


def version(broker: VirtualHost) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", broker.admin.get("overview")["rabbitmq_version"])
    assert found
    return int(found[1]), int(found[2])


def taken(broker: VirtualHost, queue: str) -> list[int]:
    """The priorities of all that is in a queue, in the order in which a consumer gets them one by one."""
    priorities = []
    with Connection(broker.url("admin")) as connection:
        channel: Any = connection.default_channel
        while (message := channel.basic_get(queue)) is not None:
            priorities.append(message.properties.get("priority", 0))
            channel.basic_ack(message.delivery_tag)
    return priorities


def test_a_letter_arrives_with_its_priority(room: Mailroom) -> None:
    room.post(room.seal(AN))
    assert taken(room.broker, MAILER_URGENT) == [PRIORITY]


def test_a_letter_that_waited_comes_back_with_its_priority(room: Mailroom) -> None:
    room.broker.take_policies_of(build_topology(dict.fromkeys(WaitTier, timedelta(seconds=3))))
    room.inbox.play(Rule(phase=Phase.RCPT, reply="451 4.3.0 Later"))
    replica = room.start()
    letter = room.post(room.seal(AN))
    eventually(lambda: room.told(letter) == ["deferred"])
    replica.kill()
    eventually(lambda: room.broker.depth(MAILER_URGENT) == 1)
    assert taken(room.broker, MAILER_URGENT) == [PRIORITY]


def test_a_dead_letter_keeps_its_priority(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.RCPT, reply="550 5.1.1 Nobody"))
    room.start()
    letter = room.post(room.seal(AN))
    eventually(lambda: room.dead(letter))
    assert room.dead(letter)[0]["properties"]["priority"] == PRIORITY


def test_a_letter_brought_back_from_the_dead_has_its_priority(room: Mailroom) -> None:
    leave_dead(room, [room.seal(AN)])
    done = Operator(room=room).run("dead", "redrive", answer="y\n")
    assert done.returncode == 0, done.stderr
    assert taken(room.broker, MAILER_URGENT) == [PRIORITY]


@pytest.fixture
def backlog(room: Mailroom) -> list[int]:
    """What a consumer gets of ten letters of low priority and, published after them, ten of high."""
    for priority in [LOW] * 10 + [HIGH] * 10:
        envelope = room.seal(AN)
        route = letter_route(LetterClass.STANDARD)
        call = call_of(DELIVER_LETTER, envelope, route, task_id=envelope.header.id, priority=priority)
        publish(room.auth, call)
    return taken(room.broker, MAILER_STANDARD)


def test_the_order_inside_a_class_is_what_the_documents_say_of_this_broker(
    room: Mailroom, backlog: list[int]
) -> None:
    first_nine = backlog[:9].count(HIGH)
    assert sorted(backlog) == [LOW] * 10 + [HIGH] * 10
    match version(room.broker):
        case (3, _):
            assert first_nine == 0, "first come, first served"
        case (4, 0 | 1 | 2):
            assert first_nine in {5, 6, 7}, "two of high priority for one of low"
        case _:
            assert first_nine == 9, "strictly by priority"

"""Publishing: every message is confirmed and routed, or the publisher is told what became of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest
from structlog.contextvars import bound_contextvars

from mail_contract.messages import DeliveryReport, ReportedState
from mail_contract.tasks import RECORD_REPORT
from mail_contract.topology import AUTH_REPORTS, REPORT_ROUTE, Route
from mailer_service.batcher import Batcher
from service_runtime.celery.app import build_app
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.confirms import Answer, PublishOutcome
from service_runtime.publishing.message import OutgoingMessage, call_of
from service_runtime.publishing.publisher import Publisher
from support.broker import VirtualHost
from support.eventually import eventually

NOWHERE = Route(exchange="mail.wait", routing_key="mail.urgent.never")


@pytest.fixture
def publisher(broker: VirtualHost) -> Iterator[Publisher]:
    app = build_app("publisher", broker_url=broker.url("mailer"))
    publisher = Publisher(partial(ConfirmingChannel, app))
    yield publisher
    publisher.close()
    app.close()


def a_report(route: Route = REPORT_ROUTE) -> OutgoingMessage:
    message = DeliveryReport(
        id=uuid4(), letter_id=uuid4(), state=ReportedState.SENT, at=datetime.now(UTC), attempt=1
    )
    return call_of(RECORD_REPORT, message, route, task_id=message.id, priority=5)


def answer(publisher: Publisher) -> Answer:
    return publisher.publish([a_report()])[0].answer


def test_a_confirmed_message_is_in_its_queue(publisher: Publisher, broker: VirtualHost) -> None:
    assert answer(publisher) is Answer.CONFIRMED
    assert broker.depth(AUTH_REPORTS) == 1


def test_a_message_carries_id_priority_and_correlation_and_its_arguments_show_nowhere_but_in_the_body(
    publisher: Publisher, broker: VirtualHost
) -> None:
    with bound_contextvars(correlation_id="abc123"):
        message = a_report()
    publisher.publish([message])
    (found,) = broker.take(AUTH_REPORTS)
    headers = found["properties"]["headers"]
    assert headers["id"] == found["properties"]["correlation_id"] == message.headers["id"]
    assert headers["postern_correlation_id"] == "abc123"
    assert headers["argsrepr"] == headers["kwargsrepr"] == "(sealed)"
    assert found["properties"]["priority"] == 5
    assert found["properties"]["delivery_mode"] == 2


def test_a_message_no_queue_is_bound_for_is_returned_alone(publisher: Publisher, broker: VirtualHost) -> None:
    outcomes = publisher.publish([a_report(), a_report(NOWHERE), a_report(), a_report(NOWHERE)])
    assert [outcome.answer for outcome in outcomes] == [Answer.CONFIRMED, Answer.RETURNED] * 2
    assert outcomes[1].reason == "returned 312"
    assert answer(publisher) is Answer.CONFIRMED
    assert broker.depth(AUTH_REPORTS) == 3


def test_a_full_queue_refuses_and_the_publisher_knows(publisher: Publisher, broker: VirtualHost) -> None:
    broker.admin.put(
        "policies",
        broker.vhost,
        "auth-reports",
        body={
            "pattern": r"^auth\.reports$",
            "apply-to": "queues",
            "definition": {"max-length": 1, "overflow": "reject-publish"},
        },
    )
    eventually(lambda: answer(publisher) is Answer.REFUSED)


def test_what_many_threads_publish_together_arrives_once_each(
    publisher: Publisher, broker: VirtualHost
) -> None:
    batcher: Batcher[OutgoingMessage, PublishOutcome] = Batcher(
        publisher.publish, concerns_all=lambda _: False
    )
    messages = [a_report() for _ in range(200)]
    with ThreadPoolExecutor(20) as pool:
        assert all(outcome.confirmed for outcome in pool.map(batcher.ask, messages))
    arrived = [message["properties"]["correlation_id"] for message in broker.take(AUTH_REPORTS)]
    assert sorted(arrived) == sorted(message.headers["id"] for message in messages)


@pytest.mark.slow
def test_a_broker_that_is_away_is_named_within_seconds_and_used_again_when_back(
    publisher: Publisher, broker: VirtualHost
) -> None:
    assert answer(publisher) is Answer.CONFIRMED
    broker.infra.kill_broker()
    try:
        assert answer(publisher) is Answer.UNKNOWN
    finally:
        broker.infra.start_broker()
    eventually(lambda: answer(publisher) is Answer.CONFIRMED, within=30)
    eventually(lambda: broker.depth(AUTH_REPORTS) == 2)


@pytest.mark.slow
def test_a_frozen_broker_does_not_hold_the_publisher_for_ever(
    publisher: Publisher, broker: VirtualHost
) -> None:
    answer(publisher)
    broker.infra.broker.freeze()
    try:
        assert answer(publisher) is Answer.UNKNOWN
    finally:
        broker.infra.broker.thaw()

"""Publishing: every message is confirmed and routed, or the publisher is told."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from celery import Celery

from mail_contract.messages import Contents, DeliveryReport, ReportedState
from mail_contract.tasks import RECORD_REPORT
from mail_contract.topology import AUTH_REPORTS, REPORT_ROUTE, Route
from service_runtime.celery.app import build_app
from service_runtime.errors import BrokerUnavailable, PublishError, Unroutable
from service_runtime.publishing.publish import publish
from service_runtime.telemetry import bind_correlation_id
from support.broker import VirtualHost
from support.eventually import eventually


def report(letter_id: UUID | None = None) -> DeliveryReport:
    return DeliveryReport(
        id=uuid4(), letter_id=letter_id or uuid4(), state=ReportedState.SENT, at=datetime.now(UTC), attempt=1
    )


@pytest.fixture
def app(broker: VirtualHost) -> Celery:
    return build_app("publisher", broker_url=broker.url("mailer"))


def send(app: Celery, message: DeliveryReport, route: Route = REPORT_ROUTE) -> None:
    publish(app, RECORD_REPORT, message, route, task_id=message.id, priority=5)


def test_a_published_message_is_in_its_queue_when_the_call_returns(app: Celery, broker: VirtualHost) -> None:
    send(app, report())
    assert broker.depth(AUTH_REPORTS) == 1


def test_a_message_carries_id_priority_and_correlation_and_its_arguments_show_nowhere_but_in_the_body(
    app: Celery, broker: VirtualHost
) -> None:
    bind_correlation_id("abc123")
    message = report()
    send(app, message)
    (found,) = broker.take(AUTH_REPORTS)
    headers = found["properties"]["headers"]
    assert headers["id"] == str(message.id)
    assert headers["postern_correlation_id"] == "abc123"
    assert headers["argsrepr"] == headers["kwargsrepr"] == "(sealed)"
    assert found["properties"]["priority"] == 5
    assert found["properties"]["delivery_mode"] == 2
    assert str(message.letter_id) not in str(headers)


def test_a_message_nobody_is_bound_for_is_returned_and_the_next_one_is_not_confused_by_it(
    app: Celery, broker: VirtualHost
) -> None:
    lost = Route(exchange="mail.wait", routing_key="mail.urgent.never")
    for _ in range(3):
        with pytest.raises(Unroutable):
            send(app, report(), lost)
        send(app, report())
    assert broker.depth(AUTH_REPORTS) == 3


def test_a_full_queue_refuses_and_the_publisher_knows(app: Celery, broker: VirtualHost) -> None:
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

    def refuses() -> bool:
        try:
            send(app, report())
        except BrokerUnavailable:
            return True
        return False

    eventually(refuses)


@pytest.mark.slow
def test_a_broker_that_is_away_is_named_within_seconds_and_used_again_when_back(
    app: Celery, broker: VirtualHost
) -> None:
    send(app, report())
    broker.infra.kill_broker()
    try:
        with pytest.raises(BrokerUnavailable):
            send(app, report())
    finally:
        broker.infra.start_broker()

    def goes_again() -> bool:
        try:
            send(app, report())
        except BrokerUnavailable:
            return False
        return True

    eventually(goes_again, within=30)
    eventually(lambda: broker.depth(AUTH_REPORTS) == 2)


@pytest.mark.slow
def test_a_frozen_broker_does_not_hold_the_publisher_for_ever(app: Celery, broker: VirtualHost) -> None:
    send(app, report())
    broker.infra.broker.freeze()
    try:
        with pytest.raises(BrokerUnavailable):
            send(app, report())
    finally:
        broker.infra.broker.thaw()


def test_an_oversized_message_is_refused_before_it_leaves(app: Celery, broker: VirtualHost) -> None:
    huge = Contents(recipient="a@b.example", context={"link": "x" * 70_000})
    with pytest.raises(PublishError):
        publish(app, RECORD_REPORT, huge, REPORT_ROUTE, task_id=uuid4())
    assert broker.depth(AUTH_REPORTS) == 0

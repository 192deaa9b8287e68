"""The postbox: many threads, one channel, each told what became of its own message."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from structlog.contextvars import bound_contextvars

from mail_contract.letters import LetterClass
from mail_contract.messages import DeliveryReport, ReportedState
from mail_contract.tasks import RECORD_REPORT
from mail_contract.topology import AUTH_REPORTS, REPORT_ROUTE, WaitTier, wait_route
from mailer_service.batching_publisher import BatchingPublisher
from service_runtime.celery.app import build_app
from service_runtime.errors import BrokerUnavailable, PublishError, Unroutable
from service_runtime.publishing.message import OutgoingMessage
from service_runtime.telemetry import CORRELATION_HEADER
from support.broker import VirtualHost
from support.eventually import eventually


@pytest.fixture
def publisher(broker: VirtualHost) -> Iterator[BatchingPublisher]:
    app = build_app("test", broker_url=broker.url("mailer"))
    box = BatchingPublisher(app)
    yield box
    box.close()
    app.close()


def report() -> OutgoingMessage:
    message = DeliveryReport(
        id=uuid4(), letter_id=uuid4(), state=ReportedState.SENT, at=datetime.now(UTC), attempt=1
    )
    return OutgoingMessage(id=message.id, task_name=RECORD_REPORT, message=message, route=REPORT_ROUTE)


def test_what_many_threads_post_arrives_once_each(publisher: BatchingPublisher, broker: VirtualHost) -> None:
    outgoing_messages = [report() for _ in range(200)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(publisher.post, outgoing_messages))
    arrived = [message["properties"]["correlation_id"] for message in broker.take(AUTH_REPORTS)]
    assert sorted(arrived) == sorted(str(outgoing_message.id) for outgoing_message in outgoing_messages)


def test_a_message_without_a_correlation_id_gets_one_of_its_own_not_that_of_the_thread_that_leads(
    publisher: BatchingPublisher, broker: VirtualHost
) -> None:
    with bound_contextvars(correlation_id="another-letters"):
        publisher.post(report())
    (message,) = broker.take(AUTH_REPORTS)
    assert message["properties"]["headers"][CORRELATION_HEADER] not in {None, "", "another-letters"}


def test_a_message_no_queue_is_bound_for_fails_alone(
    publisher: BatchingPublisher, broker: VirtualHost
) -> None:
    lost_route = wait_route(LetterClass.URGENT, WaitTier.S10)
    broker.admin.delete("queues", broker.vhost, WaitTier.S10.queue)
    lost = [
        OutgoingMessage(id=uuid4(), task_name=RECORD_REPORT, message=report().message, route=lost_route)
        for _ in range(5)
    ]
    with ThreadPoolExecutor(20) as pool:
        good = [pool.submit(publisher.post, report()) for _ in range(40)]
        bad = [pool.submit(publisher.post, outgoing_message) for outgoing_message in lost]
    assert [answer.exception() for answer in good] == [None] * 40
    assert [type(answer.exception()) for answer in bad] == [Unroutable] * 5


@pytest.mark.slow
def test_a_connection_that_was_lost_is_replaced(publisher: BatchingPublisher, broker: VirtualHost) -> None:
    publisher.post(report())
    broker.infra.kill_broker()
    with pytest.raises(BrokerUnavailable):
        publisher.post(report())
    broker.infra.start_broker()

    def posts() -> bool:
        try:
            publisher.post(report())
        except PublishError:
            return False
        return True

    eventually(posts, within=30)

"""From an outbox row to task, route and priority."""

import json
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from pydantic import ValidationError

from auth_service.db.tables import OutboxKind
from auth_service.outbox.message import ClaimedMessage
from auth_service.relay.batch import Deadlines, publish_batch, to_outgoing_message
from mail_contract.letters import LetterClass
from mail_contract.messages import MAX_MESSAGE_BYTES, Cancellation, CancellationReason
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.topology import CANCELLATION_ROUTE, letter_route
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.confirms import PublisherConfirms
from service_runtime.publishing.message import OutgoingMessage
from support.outbox import envelope


def claimed(kind: OutboxKind, payload: dict[str, Any]) -> ClaimedMessage:
    return ClaimedMessage(
        id=uuid4(),
        letter_id=uuid4(),
        kind=kind,
        payload=payload,
        attempts=0,
        correlation_id="c",
        pending=True,
        expired=False,
    )


def argument_of(outgoing_message: OutgoingMessage) -> Any:
    (argument,), _, _ = json.loads(outgoing_message.body)
    return argument


@pytest.mark.parametrize("letter_class", list(LetterClass))
def test_a_letter_goes_where_its_class_says_with_its_own_priority(letter_class: LetterClass) -> None:
    sealed = envelope(letter_class)
    outgoing_message = to_outgoing_message(claimed(OutboxKind.LETTER, sealed.model_dump(mode="json")))
    assert outgoing_message.headers["task"] == DELIVER_LETTER
    assert outgoing_message.route == letter_route(letter_class)
    assert outgoing_message.priority == sealed.header.priority
    assert argument_of(outgoing_message) == sealed.model_dump(mode="json")


def test_a_cancellation_goes_to_its_own_queue() -> None:
    message = Cancellation(letter_id=uuid4(), reason=CancellationReason.SUPERSEDED, at=datetime.now(UTC))
    outgoing_message = to_outgoing_message(claimed(OutboxKind.CANCELLATION, message.model_dump(mode="json")))
    assert outgoing_message.headers["task"] == CANCEL_LETTER
    assert outgoing_message.route == CANCELLATION_ROUTE
    assert argument_of(outgoing_message) == message.model_dump(mode="json")


@pytest.mark.parametrize("kind", list(OutboxKind))
def test_a_payload_that_is_not_of_the_contract_is_refused(kind: OutboxKind) -> None:
    with pytest.raises(ValidationError):
        to_outgoing_message(claimed(kind, {"version": 2}))


class WillingChannel:
    """A channel that confirms whatever is written to it."""

    def __init__(self) -> None:
        self.confirms = PublisherConfirms()

    def gathering(self) -> AbstractContextManager[None]:
        return nullcontext()

    def publish(self, message: OutgoingMessage) -> None:
        assert message.headers
        self.confirms.on_ack(self.confirms.add(), multiple=False)


def test_a_message_too_large_for_the_mailer_is_not_written_and_holds_back_no_other() -> None:
    payload = envelope(LetterClass.URGENT).model_dump(mode="json")
    huge = claimed(OutboxKind.LETTER, {**payload, "sealed": "x" * MAX_MESSAGE_BYTES})
    good = claimed(OutboxKind.LETTER, payload)
    outcome = publish_batch(
        cast("ConfirmingChannel", WillingChannel()),
        [huge, good],
        deadlines=Deadlines.from_claim(time.monotonic(), 60),
        stopping=lambda: False,
    )
    assert outcome.confirmed == {good.id}
    assert outcome.failed == {huge.id: "unpublishable oversized"}
    assert not outcome.untried

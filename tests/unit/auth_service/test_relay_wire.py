"""From an outbox row to task, route and priority."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from auth_service.outbox.message import ClaimedMessage
from auth_service.relay.batch import to_outgoing_message
from auth_service.store.tables import OutboxKind
from mail_contract.letters import LetterClass
from mail_contract.messages import Cancellation, CancellationReason
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.topology import CANCELLATION_ROUTE, letter_route
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


@pytest.mark.parametrize("letter_class", list(LetterClass))
def test_a_letter_goes_where_its_class_says_with_its_own_priority(letter_class: LetterClass) -> None:
    sealed = envelope(letter_class)
    outgoing_message = to_outgoing_message(claimed(OutboxKind.LETTER, sealed.model_dump(mode="json")))
    assert outgoing_message.task_name == DELIVER_LETTER
    assert outgoing_message.route == letter_route(letter_class)
    assert outgoing_message.priority == sealed.header.priority
    assert outgoing_message.message == sealed


def test_a_cancellation_goes_to_its_own_queue() -> None:
    message = Cancellation(letter_id=uuid4(), reason=CancellationReason.SUPERSEDED, at=datetime.now(UTC))
    outgoing_message = to_outgoing_message(claimed(OutboxKind.CANCELLATION, message.model_dump(mode="json")))
    assert outgoing_message.task_name == CANCEL_LETTER
    assert outgoing_message.route == CANCELLATION_ROUTE
    assert outgoing_message.message == message


@pytest.mark.parametrize("kind", list(OutboxKind))
def test_a_payload_that_is_not_of_the_contract_is_refused(kind: OutboxKind) -> None:
    with pytest.raises(ValidationError):
        to_outgoing_message(claimed(kind, {"version": 2}))

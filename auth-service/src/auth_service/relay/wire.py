"""④ From an outbox row to what is published: task, message, route, priority."""

from __future__ import annotations

from typing import assert_never

from auth_service.outbox.message import ClaimedMessage
from auth_service.store.tables import OutboxKind
from mail_contract.messages import Cancellation, Envelope
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.topology import CANCELLATION_ROUTE, letter_route
from service_runtime.publishing.message import OutgoingMessage


def to_outgoing_message(claimed: ClaimedMessage) -> OutgoingMessage:
    """Returns the publication of a row; raises pydantic.ValidationError for a payload that is not of the contract."""
    match claimed.kind:
        case OutboxKind.LETTER:
            envelope = Envelope.model_validate(claimed.payload)
            return OutgoingMessage(
                id=claimed.id,
                task_name=DELIVER_LETTER,
                message=envelope,
                route=letter_route(envelope.header.letter_class),
                priority=envelope.header.priority,
                correlation_id=claimed.correlation_id,
            )
        case OutboxKind.CANCELLATION:
            return OutgoingMessage(
                id=claimed.id,
                task_name=CANCEL_LETTER,
                message=Cancellation.model_validate(claimed.payload),
                route=CANCELLATION_ROUTE,
                priority=0,
                correlation_id=claimed.correlation_id,
            )
        case _:
            assert_never(claimed.kind)

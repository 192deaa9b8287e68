"""④ From an outbox row to what is published: task, message, route, priority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from auth_service.outbox.message import ClaimedMessage
from auth_service.store.tables import OutboxKind
from mail_contract.celery_app import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.messages import Cancellation, Envelope, Message
from mail_contract.topology import CANCELLATION_ROUTE, Route, letter_route


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A message ready to be published.

    Attributes:
        id: the Celery task's id; for a letter also the letter's.
        task_name: at the other end.
        message: travels as JSON.
        route: where to.
        priority: 0 to 9, higher first.
        correlation_id: rides in the headers; None where none was known, then a new one is made.
    """

    id: UUID
    task_name: str
    message: Message
    route: Route
    priority: int
    correlation_id: str | None


def to_publication(claimed: ClaimedMessage) -> Publication:
    """Returns the publication of a row; raises pydantic.ValidationError for a payload that is not of the contract."""
    match claimed.kind:
        case OutboxKind.LETTER:
            envelope = Envelope.model_validate(claimed.payload)
            return Publication(
                id=claimed.id,
                task_name=DELIVER_LETTER,
                message=envelope,
                route=letter_route(envelope.header.letter_class),
                priority=envelope.header.priority,
                correlation_id=claimed.correlation_id,
            )
        case OutboxKind.CANCELLATION:
            return Publication(
                id=claimed.id,
                task_name=CANCEL_LETTER,
                message=Cancellation.model_validate(claimed.payload),
                route=CANCELLATION_ROUTE,
                priority=0,
                correlation_id=claimed.correlation_id,
            )
        case _:
            assert_never(claimed.kind)

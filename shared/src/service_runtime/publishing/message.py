"""One message of the contract, ready to be published as a task."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from mail_contract.messages import Message
from mail_contract.topology import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
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
    priority: int = 0
    correlation_id: str | None = None

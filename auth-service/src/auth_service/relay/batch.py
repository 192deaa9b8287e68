"""④ Publishing the messages of one claim: all of them on the wire, then the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, assert_never
from uuid import UUID

from pydantic import ValidationError

from auth_service.db.tables import OutboxKind
from auth_service.outbox.message import ClaimedMessage
from mail_contract.messages import MAX_MESSAGE_BYTES, Cancellation, Envelope
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.topology import CANCELLATION_ROUTE, letter_route
from service_runtime.errors import BrokerLost
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.message import OutgoingMessage, call_of

_GLANCE_SECONDS: Final = 0.25
"""How often, while answers are missing, it is asked whether to stop."""

_STOP_SECONDS: Final = 3.0
"""How long answers are waited for once asked to stop; what is still unanswered goes again from another relay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """What became of the messages of one claim; every message is in exactly one of the first three.

    Attributes:
        confirmed: the broker has them.
        failed: it has not, or nobody knows, or they cannot be published at all; with the reason.
        untried: nothing was written of them.
        trouble: why the channel is good for nothing any more, if so.
    """

    confirmed: frozenset[UUID]
    failed: Mapping[UUID, str]
    untried: frozenset[UUID]
    trouble: BrokerLost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Until when things may be done with a claim, on the clock of `time.monotonic`.

    That clock goes on while the process is frozen: one that wakes up after its lease publishes nothing more, though it
    believes that no time has passed.

    Attributes:
        publish: no message is written later.
        answers: no answer is waited for later.
        lease: the rows may be somebody else's.
    """

    publish: float
    answers: float
    lease: float

    @classmethod
    def from_claim(cls, claimed_at: float, lease_seconds: float) -> Deadlines:
        """A third of the lease to publish, a third for the answers, a third to settle."""
        third = lease_seconds / 3
        return cls(
            publish=claimed_at + third, answers=claimed_at + 2 * third, lease=claimed_at + lease_seconds
        )


def publish_batch(
    channel: ConfirmingChannel,
    messages: Iterable[ClaimedMessage],
    *,
    deadlines: Deadlines,
    stopping: Callable[[], bool],
) -> BatchOutcome:
    """Publishes messages in their order and waits for the answers; trouble is part of the outcome, nothing is raised.

    Args:
        channel: with nothing unanswered.
        messages: of one claim.
        deadlines: of that claim.
        stopping: asked before every message; once true nothing more is written.
    """
    waiting = list(messages)
    written: list[UUID] = []
    failed: dict[UUID, str] = {}
    trouble: BrokerLost | None = None
    try:
        with channel.gathering():
            for message in waiting:
                if stopping() or time.monotonic() >= deadlines.publish:
                    break
                try:
                    outgoing = to_outgoing_message(message)
                except ValidationError as error:
                    failed[message.id] = f"unpublishable {type(error).__name__}"
                    continue
                if len(outgoing.body) > MAX_MESSAGE_BYTES:
                    failed[message.id] = "unpublishable oversized"
                    continue
                written.append(message.id)
                channel.publish(outgoing)
        _await_answers(channel, until=deadlines.answers, stopping=stopping)
    except BrokerLost as error:
        trouble = error
    outcomes = dict(zip(written, channel.confirms.take(), strict=True))
    failed |= {id_: outcome.reason for id_, outcome in outcomes.items() if not outcome.confirmed}
    return BatchOutcome(
        confirmed=frozenset(id_ for id_, outcome in outcomes.items() if outcome.confirmed),
        failed=failed,
        untried=frozenset(message.id for message in waiting) - outcomes.keys() - failed.keys(),
        trouble=trouble,
    )


def _await_answers(channel: ConfirmingChannel, *, until: float, stopping: Callable[[], bool]) -> None:
    hurried = False
    while not channel.confirms.answered:
        channel.read_answers(seconds=_GLANCE_SECONDS)
        now = time.monotonic()
        if stopping() and not hurried:
            hurried, until = True, min(until, now + _STOP_SECONDS)
        if now >= until and not channel.confirms.answered:
            raise BrokerLost("answers missing")


def to_outgoing_message(claimed: ClaimedMessage) -> OutgoingMessage:
    """Returns the publication of a row; raises pydantic.ValidationError for a payload that is not of the contract."""
    match claimed.kind:
        case OutboxKind.LETTER:
            envelope = Envelope.model_validate(claimed.payload)
            return call_of(
                DELIVER_LETTER,
                envelope,
                letter_route(envelope.header.letter_class),
                task_id=claimed.id,
                priority=envelope.header.priority,
                correlation_id=claimed.correlation_id,
            )
        case OutboxKind.CANCELLATION:
            return call_of(
                CANCEL_LETTER,
                Cancellation.model_validate(claimed.payload),
                CANCELLATION_ROUTE,
                task_id=claimed.id,
                correlation_id=claimed.correlation_id,
            )
        case _:
            assert_never(claimed.kind)

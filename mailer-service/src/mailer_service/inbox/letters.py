"""Takes a letter's message: reads it, has the letter delivered, and does what the outcome asks, before it is acked.

Order is what keeps a letter from being lost: the ledger first, then what the outcome asks to be published, each with
its confirm, and the acknowledgement last. A crash in between repeats something harmless.
"""

from __future__ import annotations

import traceback
from typing import assert_never

import structlog

from mail_contract.messages import Envelope, ReportedState
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import WaitTier, wait_route
from mailer_service.deadletters.headers import UNCONFIRMED
from mailer_service.deadletters.publisher import DeadLetter, DeadLetterPublisher
from mailer_service.delivery.deliver import Deliverer
from mailer_service.delivery.outcome import (
    Ambiguous,
    Cancelled,
    Dead,
    Discarded,
    Expired,
    Held,
    Pause,
    Sent,
    Suppressed,
    TryLater,
    Unconfirmed,
)
from mailer_service.delivery.patience import Patience
from mailer_service.delivery.record import Delivery
from mailer_service.delivery.retry import tier_of
from mailer_service.delivery.settlement import reason_of
from mailer_service.errors import GivenBack, LedgerUnavailable, Unauthentic
from mailer_service.inbox.arrival import Arrival
from mailer_service.inbox.persistence import persist
from mailer_service.postbox import Postbox
from mailer_service.reports.publisher import ReportPublisher
from service_runtime.publishing.message import Publication
from service_runtime.telemetry import current_correlation_id

log = structlog.get_logger(__name__)

_LEDGER_PATIENCE_SECONDS = 300.0
"""How long a message is kept in hand while the ledger is away; well below the 30 minutes after which RabbitMQ takes an
unacknowledged message away and closes the channel. Then it waits on the broker instead, a minute at a time."""


class LetterInbox:
    """The door for letters."""

    def __init__(
        self,
        *,
        postbox: Postbox,
        deliverer: Deliverer,
        reports: ReportPublisher,
        dead_letters: DeadLetterPublisher,
        patience: Patience,
    ) -> None:
        self._postbox = postbox
        self._deliverer = deliverer
        self._reports = reports
        self._dead_letters = dead_letters
        self._patience = patience

    def take(self, arrival: Arrival) -> str:
        """Handles one message and returns the outcome's name, for monitoring.

        Raises:
            GivenBack: the message must stay on the broker.
        """
        if self._patience.exhausted:
            raise GivenBack
        try:
            return self._handle(arrival)
        except Unauthentic as error:
            # Not a word of it is believed: nothing is reported of a letter that somebody else may have named.
            log.warning("message_unauthentic", reason=error.reason, task_id=arrival.id)
            return self._bury(arrival, error.reason)
        except GivenBack:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost with it
            where = "".join(traceback.format_tb(error.__traceback__))
            # Without the error's own words, which may quote the letter.
            log.error(  # noqa: TRY400 - see above
                "message_broke_the_mailer", error=type(error).__name__, where=where, task_id=arrival.id
            )
            return self._bury(arrival, "internal_error")

    def _handle(self, arrival: Arrival) -> str:
        envelope = arrival.envelope()
        delivery = self._deliver(envelope)
        if isinstance(delivery, Pause):
            tier = tier_of(delivery.after)
            log.info("letter_put_off", letter_id=str(envelope.header.id), reason=delivery.reason, wait=tier)
            self._wait(envelope, tier)
            return "put_off"
        self._obey(delivery, envelope, arrival)
        return delivery.outcome.name

    def _deliver(self, envelope: Envelope) -> Delivery | Pause:
        while True:
            try:
                return self._deliverer.deliver(envelope)
            except LedgerUnavailable as error:
                log.warning("ledger_unavailable", letter_id=str(envelope.header.id), error=str(error))
                if not self._patience.until_ledger_answers(seconds=_LEDGER_PATIENCE_SECONDS):
                    if self._patience.exhausted:
                        raise GivenBack from error
                    return Pause(reason="no_ledger")

    def _obey(self, delivery: Delivery, envelope: Envelope, arrival: Arrival) -> None:
        outcome = delivery.outcome
        match outcome:
            case Sent() | Discarded():
                self._report(ReportedState.SENT, delivery, envelope)
            case TryLater(after=after) | Ambiguous(after=after) | Pause(after=after):
                self._report(ReportedState.DEFERRED, delivery, envelope)
                self._wait(envelope, tier_of(after))
            case Held():
                self._wait(envelope, WaitTier.S10)
            case Dead(reason=reason):
                self._bury(arrival, reason, delivery)
                self._report(ReportedState.FAILED, delivery, envelope)
            case Unconfirmed():
                self._bury(arrival, UNCONFIRMED, delivery)
                self._report(ReportedState.UNCONFIRMED, delivery, envelope)
            case Expired():
                self._bury(arrival, "expired", delivery)
                self._report(ReportedState.EXPIRED, delivery, envelope)
            case Cancelled():
                self._report(ReportedState.SUPERSEDED, delivery, envelope)
            case Suppressed():
                self._report(ReportedState.SUPPRESSED, delivery, envelope)
            case _:
                assert_never(outcome)

    def _report(self, state: ReportedState, delivery: Delivery, envelope: Envelope) -> None:
        persist(
            lambda: self._reports.publish(
                envelope.header.id,
                state,
                attempt=delivery.attempt,
                at=delivery.at,
                reason=reason_of(delivery.outcome),
            ),
            patience=self._patience,
        )

    def _wait(self, envelope: Envelope, tier: WaitTier) -> None:
        header = envelope.header
        persist(
            lambda: self._postbox.post(
                Publication(
                    id=header.id,
                    task_name=DELIVER_LETTER,
                    message=envelope,
                    route=wait_route(header.letter_class, tier),
                    priority=header.priority,
                    correlation_id=current_correlation_id(),
                )
            ),
            patience=self._patience,
        )

    def _bury(self, arrival: Arrival, reason: str, delivery: Delivery | None = None) -> str:
        dead = DeadLetter(
            task=arrival.task,
            id=arrival.id,
            args=arrival.args,
            kwargs=arrival.kwargs,
            priority=arrival.priority,
            letter_class=arrival.letter_class(),
            reason=reason,
            reply=delivery.reply if delivery else None,
            attempts=delivery.attempt if delivery else 0,
            first_seen=delivery.first_seen if delivery else None,
        )
        persist(lambda: self._dead_letters.publish(dead), patience=self._patience)
        return "dead"

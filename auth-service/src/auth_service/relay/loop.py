"""④ The relay: claims rows, publishes them, waits for the confirms, settles; until it is asked to stop.

Three rules keep a letter from being lost, whatever dies when:

- a row is claimed in a committed transaction before it is published, so no other relay publishes it meanwhile;
- a row is settled only on an ack without a return;
- everything else goes back to the outbox and leaves again later under the same id; the mailer's ledger drops the copy.

Any number of relays may run side by side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from auth_service.backoff import Backoff
from auth_service.db.transactions import Transactions
from auth_service.errors import DatabaseUnavailable
from auth_service.outbox.claim import claim
from auth_service.outbox.message import ClaimedMessage
from auth_service.outbox.release import hand_back, measure_backlog, release_failed
from auth_service.outbox.settle import settle_expired, settle_moot, settle_published
from auth_service.relay.batch import BatchOutcome, Deadlines, publish_batch
from auth_service.relay.status import RelayStatus
from auth_service.relay.wakeup import StopRequest, Wakeup
from service_runtime.errors import BrokerLost
from service_runtime.publishing.channel import ConfirmingChannel

log = structlog.get_logger(__name__)

_BACKLOG_SECONDS: Final = 15.0
"""How often the backlog is measured and logged."""

_SETTLE_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much a relay takes on, and for how long.

    Attributes:
        window: unconfirmed messages at most.
        poll_seconds: how often it looks when nobody wakes it.
        lease_seconds: how long a claimed row stays with a relay that went silent.
    """

    window: int
    poll_seconds: float
    lease_seconds: float


class Relay:
    """One relay with one connection to the broker, opened when needed and dropped after any error."""

    def __init__(
        self,
        *,
        transactions: Transactions,
        connect: Callable[[], ConfirmingChannel],
        wakeup: Wakeup,
        stop: StopRequest,
        pace: Pace,
        status: RelayStatus,
    ) -> None:
        self._transactions = transactions
        self._connect = connect
        self._wakeup = wakeup
        self._stop = stop
        self._pace = pace
        self._status = status
        self._channel: ConfirmingChannel | None = None
        self._broker_patience = Backoff(first=0.2, longest=5.0)
        self._database_patience = Backoff(first=0.2, longest=5.0)
        self._backlog_due = 0.0

    def run(self) -> None:
        """Relays until asked to stop; then hands back what it has not published."""
        log.info("relay_started", window=self._pace.window)
        while not self._stop.made:
            self._status.turned()
            try:
                self._turn()
            except BrokerLost as error:
                self._lose_channel(error)
            except DatabaseUnavailable as error:
                self._status.database(answers=False)
                log.warning("database_unavailable", error=type(error.__cause__).__name__)
                self._stop.wait(self._database_patience.next())
        self._close_channel()
        log.info("relay_stopped")

    def _turn(self) -> None:
        self._watch_backlog()
        channel = self._open_channel()
        channel.tend()
        claimed_at = time.monotonic()
        token = uuid4()
        # A broker that accepts connections but confirms nothing gets one letter a trial, not one window a trial.
        messages = self._claim(token, limit=self._pace.window if channel.proven else 1)
        self._database_patience.reset()
        self._status.database(answers=True)
        if not messages:
            self._wakeup.wait(channel.fileno(), seconds=self._pace.poll_seconds)
            return
        deadlines = Deadlines.from_claim(claimed_at, self._pace.lease_seconds)
        due = [message for message in messages if message.pending and not message.expired]
        outcome = publish_batch(channel, due, deadlines=deadlines, stopping=lambda: self._stop.made)
        if channel.proven:
            self._broker_patience.reset()
        if outcome.trouble is not None:
            self._drop_channel()
        self._record(token, messages, outcome, until=deadlines.lease)
        if outcome.trouble is not None:
            raise outcome.trouble
        if channel.confirms.stale:
            self._close_channel()

    def _open_channel(self) -> ConfirmingChannel:
        if self._channel is None:
            self._channel = self._connect()
            self._status.broker(connected=True)
            log.info("broker_connected")
        return self._channel

    def _lose_channel(self, error: BrokerLost) -> None:
        self._drop_channel()
        pause = self._broker_patience.next()
        log.warning("broker_lost", why=error.why, retry_seconds=round(pause, 2))
        self._stop.wait(pause)

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._forget_channel()

    def _drop_channel(self) -> None:
        if self._channel is not None:
            self._channel.drop()
            self._forget_channel()

    def _forget_channel(self) -> None:
        self._channel = None
        self._status.broker(connected=False)

    def _claim(self, token: UUID, *, limit: int) -> Sequence[ClaimedMessage]:
        with self._transactions.begin() as session:
            return claim(session, token=token, limit=limit, lease=timedelta(seconds=self._pace.lease_seconds))

    def _record(
        self, token: UUID, messages: Sequence[ClaimedMessage], outcome: BatchOutcome, *, until: float
    ) -> None:
        """Writes down what became of the claim; tries as long as the claim is good, for it saves copies."""
        moot = {message.id for message in messages if not message.pending}
        expired = {message.id for message in messages if message.pending and message.expired}
        while True:
            try:
                with self._transactions.begin() as session:
                    settled = settle_published(session, token=token, ids=outcome.confirmed)
                    settle_expired(session, token=token, ids=expired)
                    settle_moot(session, token=token, ids=moot)
                    release_failed(session, token=token, failures=outcome.failed)
                    hand_back(session, token=token, ids=outcome.untried)
                break
            except DatabaseUnavailable:
                if self._stop.made or time.monotonic() >= until:
                    log.exception(
                        "claim_abandoned", confirmed=len(outcome.confirmed), failed=len(outcome.failed)
                    )
                    raise
                time.sleep(_SETTLE_PAUSE_SECONDS)
        if settled < len(outcome.confirmed):
            log.warning("lease_overrun", rows=len(outcome.confirmed) - settled)
        self._status.published(len(outcome.confirmed))
        self._status.refused(outcome.failed.values())
        self._status.dropped(expired=len(expired), moot=len(moot))
        if outcome.confirmed:
            letters = sorted({str(one.letter_id) for one in messages if one.id in outcome.confirmed})
            log.info("messages_published", confirmed=len(outcome.confirmed), letter_ids=letters)
        if expired or moot:
            log.warning("messages_dropped", expired=len(expired), moot=len(moot))
        for reason in sorted(set(outcome.failed.values())):
            rows = sum(why == reason for why in outcome.failed.values())
            log.error("messages_not_published", reason=reason, rows=rows)

    def _watch_backlog(self) -> None:
        now = time.monotonic()
        if now < self._backlog_due:
            return
        self._backlog_due = now + _BACKLOG_SECONDS
        with self._transactions.begin() as session:
            backlog = measure_backlog(session)
        if backlog.rows:
            log.info("outbox_backlog", rows=backlog.rows, oldest_seconds=round(backlog.oldest_seconds, 3))

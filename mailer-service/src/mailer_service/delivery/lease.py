"""Keeping the claim on a letter while its server takes its time after the final dot.

Scanners take long (RFC 5321, section 4.5.3.2.6, grants ten minutes), and whoever hangs up on one sends a copy: so the lease
is renewed as long as the reply is awaited. A replica that is being stopped waits for a part of the time it has and then
leaves the letter to a later attempt, instead of dying with it in hand, after which it would be sent again at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import structlog

from mailer_service.delivery.claim import Claim
from mailer_service.delivery.waiter import StopSignal
from mailer_service.errors import LedgerUnavailable

log = structlog.get_logger(__name__)

_RENEWALS = 3
"""In each lease: two may fail."""


class Leases(Protocol):
    """Where leases are written down: the ledger."""

    def extend(self, claim: Claim) -> bool:
        """As `Ledger` has it."""


class LeaseKeeper:
    """Renews leases.

    Args:
        leases: of the letters.
        lease_seconds: how long a claim holds without being renewed.
        stop: set when the replica is being stopped.
        stop_seconds: how long after that a reply is still awaited.
        sign: called by a thread that waits on purpose.
        clock: seconds on the monotonic clock.
    """

    def __init__(
        self,
        leases: Leases,
        *,
        lease_seconds: float,
        stop: StopSignal,
        stop_seconds: float,
        sign: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = leases
        self._every = lease_seconds / _RENEWALS
        self._stop = stop
        self._stop_seconds = stop_seconds
        self._sign = sign
        self._clock = clock

    def keep(self, claim: Claim) -> KeptLease:
        """Returns the lease of a claim, to be kept while a reply is awaited."""
        return KeptLease(self, claim)

    def renew(self, claim: Claim) -> bool:
        """Renews the lease now; returns whether it is known to hold."""
        try:
            if self._leases.extend(claim):
                return True
            log.warning("claim_lost_while_waiting", letter_id=str(claim.letter_id))
        except LedgerUnavailable as error:
            # Nobody else can claim it meanwhile either; the next renewal may come in time.
            log.warning("lease_not_renewed", letter_id=str(claim.letter_id), error=str(error))
        return False

    def due(self, last: float | None) -> float | None:
        """Returns the time now if the lease is to be renewed, having been renewed at `last`; None if not yet."""
        self._sign()
        now = self._clock()
        return now if last is None or now >= last + self._every else None

    @property
    def worth_waiting(self) -> bool:
        """Whether a reply is still awaited: a stopped replica does so for a part of its time only."""
        return self._stop.at is None or self._clock() < self._stop.at + self._stop_seconds


class KeptLease:
    """The lease of one claim."""

    def __init__(self, keeper: LeaseKeeper, claim: Claim) -> None:
        self._keeper = keeper
        self._claim = claim
        self._renewed_at: float | None = None

    def go_on(self) -> bool:
        """Called about once a second while a reply is awaited; False means to wait no longer.

        The lease is renewed at the first call: no more of it may be left than what recording an outcome takes.
        """
        now = self._keeper.due(self._renewed_at)
        if now is not None:
            self._renewed_at = now
            self._keeper.renew(self._claim)
        return self._keeper.worth_waiting

"""Keeping a letter in hand while its server takes its time after the final dot.

Scanners take long (RFC 5321, section 4.5.3.2.6, grants ten minutes), and whoever hangs up on one sends a copy: so the lease
is renewed as long as the reply is awaited. A replica that is being stopped waits for a part of the time it has and then
leaves the letter to a later attempt, instead of dying with it in hand, after which it would be sent again at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Protocol

import structlog

from mailer_service.delivery.claim import Claim
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
        stopping: set when the replica is being stopped.
        stop_seconds: how long a reply is still awaited then.
        sign: called by a thread that waits on purpose.
        clock: seconds.
    """

    def __init__(
        self,
        leases: Leases,
        *,
        lease_seconds: float,
        stopping: Event,
        stop_seconds: float,
        sign: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = leases
        self._every = lease_seconds / _RENEWALS
        self._stopping = stopping
        self._stop_seconds = stop_seconds
        self._sign = sign
        self._clock = clock

    def keep(self, claim: Claim) -> Callable[[], bool]:
        """Returns what is to be called about once a second while a reply is awaited; False means to wait no longer."""
        # The first time at once: of the lease no more may be left than what recording an outcome takes.
        next_at = 0.0
        give_up_at: float | None = None

        def keep() -> bool:
            nonlocal next_at, give_up_at
            self._sign()
            now = self._clock()
            if now >= next_at:
                next_at = now + self._every
                self._renew(claim)
            if not self._stopping.is_set():
                return True
            give_up_at = give_up_at or now + self._stop_seconds
            return now < give_up_at

        return keep

    def _renew(self, claim: Claim) -> None:
        try:
            if not self._leases.extend(claim):
                log.warning("claim_lost_while_waiting", letter_id=str(claim.letter_id))
        except LedgerUnavailable as error:
            # Nobody else can claim it meanwhile either; the next renewal may come in time.
            log.warning("lease_not_renewed", letter_id=str(claim.letter_id), error=str(error))

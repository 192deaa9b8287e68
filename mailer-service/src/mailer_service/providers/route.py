"""The route out of a replica: which letters may go now, and through which provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Event

from mail_contract.letters import LetterClass
from mailer_service.delivery.outcome import Pause
from mailer_service.errors import Requeued
from mailer_service.metrics import Metrics
from mailer_service.providers.destination_throttle import DestinationThrottle, Throttled
from mailer_service.providers.holds import HELD, Holds
from mailer_service.providers.permit import Permit
from mailer_service.providers.provider import Provider
from mailer_service.suppression.recipient_hashes import RecipientHashes

NO_PROVIDER = "no_provider"
NO_TURN = "no_turn"
DOMAIN_REFUSES = "domain_refuses"
DOMAIN_SLOW = "domain_slow"
_SHORTLY = timedelta(seconds=10)
_LATER = timedelta(minutes=1)
_NOBODY = RecipientHashes(recipient=b"", domain=b"")
_TURN_SECONDS = 10.0
"""How long a letter waits in its thread for a connection or a moment; longer, and it waits on the broker."""


class Route:
    """Gives letters permits for providers, the preferred one first."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        throttle: DestinationThrottle,
        holds: Holds,
        stopping: Event,
        sign: Callable[[], None],
        changed: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        """Puts providers together.

        Args:
            providers: the preferred one first.
            throttle: who shares the threads.
            holds: what operators hold.
            stopping: set once the replica ends.
            sign: called by a thread that waited on purpose.
            metrics: counts letters that must wait.
            changed: told when a provider was given up, so that nothing more is consumed if it was the last.
        """
        self._providers = tuple(providers)
        self._throttle = throttle
        self._holds = holds
        self._stopping = stopping
        self._sign = sign
        self._changed = changed
        self._metrics = metrics

    def permit(self, letter_class: LetterClass, hashes: RecipientHashes | None) -> Permit | Pause:
        """Gives a letter that nobody has claimed yet a permit, or tells how long it should wait on the broker instead.

        Args:
            letter_class: urgent letters take the rate limit's lead.
            hashes: keyed hashes of its recipient; None for an address that nothing can be sent to.

        Raises:
            LedgerUnavailable: what all replicas together may do cannot be asked.
            Requeued: the replica is being stopped.
        """
        provider = next((known for known in self._providers if known.takes_letters), None)
        if provider is None:
            held = any(known.held for known in self._providers)
            return self._put_off(HELD if held else NO_PROVIDER, _LATER)
        until = time.monotonic() + _TURN_SECONDS
        share_held = self._throttle.enter(hashes or _NOBODY, until=until, connections=provider.share)
        if isinstance(share_held, Throttled):
            if self._stopping.is_set():
                raise Requeued
            reason = DOMAIN_REFUSES if share_held.refusing else DOMAIN_SLOW
            return self._put_off(reason, timedelta(seconds=share_held.after))
        entered = False
        try:
            entered = provider.enter(letter_class, until=until)
        finally:
            if not entered:
                self._throttle.leave(share_held)
        if not entered:
            if self._stopping.is_set():
                raise Requeued
            return self._put_off(NO_TURN, _SHORTLY)
        self._sign()
        return Permit(
            self._providers,
            provider,
            letter_class=letter_class,
            throttle=self._throttle,
            share_held=share_held,
            changed=self._changed,
        )

    def held(self, letter_class: LetterClass, hashes: RecipientHashes | None) -> Pause | None:
        """Tells how long a letter waits because an operator holds its class or its recipient's domain; None if not."""
        pause = self._holds.on(letter_class, hashes)
        return None if pause is None else self._put_off(pause.reason, pause.after)

    def close(self) -> None:
        """Closes what is kept open."""
        for provider in self._providers:
            provider.close()

    def _put_off(self, reason: str, after: timedelta) -> Pause:
        self._metrics.put_off(reason)
        return Pause(reason=reason, after=after)

"""Looks once a second how the providers stand with all replicas, tries those given up, and stops or resumes consuming."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

import structlog

from mailer_service.db.holds import HoldKind
from mailer_service.errors import LedgerUnavailable
from mailer_service.metrics import Metrics
from mailer_service.providers.holds import Holds
from mailer_service.providers.provider import Provider
from mailer_service.providers.provider_store import ProviderStatus, ProviderStore

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_PROBE_SECONDS = 15.0
"""How long connecting and logging in may take together."""


class Consumption(Protocol):
    """What takes letters from the broker."""

    def pause(self) -> None:
        """Takes no more letters; again and again told so, it sees to it that this is so."""

    def resume(self) -> None:
        """Takes letters; again and again told so, it sees to it that this is so."""


class ProviderMonitor:
    """A thread that keeps a replica in step with the others."""

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        store: ProviderStore,
        holds: Holds,
        consumption: Consumption,
        metrics: Metrics,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._store = store
        self._holds = holds
        self._consumption = consumption
        self._metrics = metrics
        self._look_seconds = look_seconds
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._probe_backoff: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="providers", daemon=True)

    def start(self) -> None:
        """Starts looking, having looked once."""
        self.look()
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether its thread has ended, though nobody asked it to."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def stop(self) -> None:
        """Ends the thread."""
        self._leaving.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5.0)

    def look_soon(self) -> None:
        """Does not wait for the next second."""
        self._wake.set()

    def look(self) -> None:
        """Looks once."""
        try:
            statuses = self._store.look(list(self._providers))
            if len(statuses) < len(self._providers):
                self._store.enrol(list(self._providers))
            self._holds.look()
            for status in statuses:
                provider = self._providers[status.name]
                provider.held = self._holds.holds_provider(status.name)
                provider.follow(status)
                if status.due:
                    self._try(status)
        except LedgerUnavailable as error:
            log.warning("providers_unknown", error=str(error))
        self._decide()

    def _run(self) -> None:
        while not self._leaving.is_set():
            self._wake.wait(self._look_seconds)
            self._wake.clear()
            if self._leaving.is_set():
                return
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - whatever it is, a replica that no longer looks is worse
                log.error("watch_failed", error=type(error).__name__)  # noqa: TRY400 - it may quote a statement

    def _decide(self) -> None:
        for provider in self._providers.values():
            self._metrics.provider(
                provider.name, up=provider.open_circuit is None, connections=provider.connections
            )
        for kind in HoldKind:
            self._metrics.holds(kind, self._holds.count(kind))
        if any(provider.takes_letters and not provider.starving for provider in self._providers.values()):
            self._consumption.resume()
        else:
            self._consumption.pause()

    def _try(self, status: ProviderStatus) -> None:
        if status.name in self._probe_backoff:
            return
        openings = self._store.begin_probe(status.name, patience=2 * _PROBE_SECONDS)
        if openings is None:
            return
        self._probe_backoff.add(status.name)
        # A thread of its own: a server that says nothing must not keep this replica from following the others.
        threading.Thread(
            target=self._probe, args=(self._providers[status.name], openings), name="probe", daemon=True
        ).start()

    def _probe(self, provider: Provider, openings: int) -> None:
        try:
            wrong = provider.probe(deadline=time.monotonic() + _PROBE_SECONDS)
            if wrong is not None:
                self._store.fail_probe(provider.name, wrong, openings=openings)
                log.warning(
                    "provider_still_away",
                    provider=provider.name,
                    reason=wrong.reason,
                    tries=openings,
                    reply=wrong.reply,
                )
            elif self._store.close(provider.server, openings=openings):
                log.info("provider_back", provider=provider.name, tries=openings)
        except LedgerUnavailable as error:
            log.warning("providers_unknown", error=str(error))
        finally:
            self._probe_backoff.discard(provider.name)
            self.look_soon()

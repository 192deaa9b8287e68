"""④ How a relay is doing, for Prometheus and for whoever starts processes anew."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import Counter, Gauge, generate_latest

from service_runtime.process_metrics import process_registry

_GRACE_SECONDS = 60.0
"""A turn ends with its lease, a try to connect takes 4 s, and 5 s at most pass between two: this is beyond all of them."""


class RelayStatus:
    """Told by the relay's loop, asked by its HTTP port.

    Args:
        lease_seconds: the longest a turn may take.
        clock: seconds.
    """

    def __init__(self, *, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = process_registry(service="auth-relay", distribution="postern-auth-service")
        self._longest_turn = lease_seconds + _GRACE_SECONDS
        self._clock = clock
        self._turned_at = clock()
        self._has_broker = self._has_database = False
        self._published = Counter(
            "auth_relay_published", "Messages that the broker confirmed.", registry=self.registry
        )
        self._refused = Counter(
            "auth_relay_refused",
            "Messages that the broker did not confirm, and which go again.",
            ["reason"],
            registry=self.registry,
        )
        self._dropped = Counter(
            "auth_relay_dropped",
            "Messages that need not leave any more: too late, or superseded by a report.",
            ["reason"],
            registry=self.registry,
        )
        self._connected = Gauge(
            "auth_relay_connected", "Whether there is a connection to the broker.", registry=self.registry
        )

    def turned(self) -> None:
        """The loop goes on."""
        self._turned_at = self._clock()

    def broker(self, *, connected: bool) -> None:
        """There is a connection to the broker from now on, or none."""
        self._has_broker = connected
        self._connected.set(connected)

    def database(self, *, answers: bool) -> None:
        """The database answered, or did not."""
        self._has_database = answers

    def published(self, messages: int) -> None:
        """So many messages were confirmed."""
        self._published.inc(messages)

    def refused(self, reasons: Iterable[str]) -> None:
        """Messages were not confirmed, each for its reason: a short token, never text from outside."""
        for reason, messages in collections.Counter(reasons).items():
            self._refused.labels(reason).inc(messages)

    def dropped(self, *, expired: int, moot: int) -> None:
        """So many messages need not leave."""
        self._dropped.labels("expired").inc(expired)
        self._dropped.labels("moot").inc(moot)

    def exposition(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def complaint(self) -> str | None:
        """Returns why the relay should be started anew; None while it turns, whatever it waits for."""
        silence = self._clock() - self._turned_at
        return f"the relay has not turned for {silence:.0f} s" if silence > self._longest_turn else None

    def not_ready(self) -> Mapping[str, str]:
        """Returns which server it lacks."""
        lacking = {}
        if not self._has_broker:
            lacking["broker"] = "not connected"
        if not self._has_database:
            lacking["database"] = "does not answer"
        return lacking

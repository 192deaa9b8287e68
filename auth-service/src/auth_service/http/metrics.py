"""What the API counts. No label says anything about a person, and none tells a known address from an unknown one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from auth_service.db.letters import count_recent_states
from auth_service.db.transactions import Transactions
from auth_service.domain.limit import LimitName
from auth_service.errors import DatabaseUnavailable
from auth_service.outbox.hold import hold_totals
from auth_service.outbox.release import measure_backlog
from service_runtime.process_metrics import BuildCollector, ProcessesCollector

_REQUEST_BUCKETS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)
_HASH_BUCKETS: Final = (0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counters of one process, or of all that share a directory (`AUTH_PROMETHEUS_DIR`)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "auth_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "auth_http_request_seconds",
            "From the arrival of its last byte to its answer made, all waiting included.",
            ["route"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._wait = Histogram(
            "auth_http_wait_seconds",
            "From the arrival of its last byte until a thread began with it.",
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._hash_seconds = Histogram(
            "auth_password_hash_seconds", "One argon2id.", buckets=_HASH_BUCKETS, registry=self.registry
        )
        self._hash_wait = Histogram(
            "auth_password_hash_wait_seconds",
            "Waiting for a turn, since the request was complete.",
            buckets=_HASH_BUCKETS,
            registry=self.registry,
        )
        self._hash_refused = Counter(
            "auth_password_hash_refused", "Turns that did not come in time.", registry=self.registry
        )
        self._hash_queue = Gauge(
            "auth_password_hash_queue",
            "Requests that wait for a turn to hash a password.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self._verifications = Counter(
            "auth_verifications",
            "Links and codes sent in to prove an address, by what became of them.",
            ["by", "result"],
            registry=self.registry,
        )
        self._breach_list = Counter(
            "auth_breach_list",
            "Questions to the list of breached passwords.",
            ["result"],
            registry=self.registry,
        )
        self._limits = Counter(
            "auth_limit_decisions",
            "Requests counted against a limit.",
            ["limit", "admitted"],
            registry=self.registry,
        )
        self._proofs = Counter(
            "auth_proofs", "Proofs of work for registrations.", ["outcome"], registry=self.registry
        )
        self._registrations = Counter("auth_registrations", "Registrations accepted.", registry=self.registry)
        self._sign_ins = Counter(
            "auth_sign_ins",
            "Passwords that were sent in to sign in with.",
            ["result"],
            registry=self.registry,
        )

    def request_begun(self, *, waited: float) -> None:
        """Counts how long a request waited until a thread began with it."""
        self._wait.observe(waited)

    def verification_answered(self, *, by: str, result: str) -> None:
        """Counts a link or a code, by whether it proved an address; `result` is one of a closed set."""
        self._verifications.labels(by, result).inc()

    def request_answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request under its route's template; never under its path, which may hold a receipt."""
        self._requests.labels(method if method in _METHODS else "OTHER", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def breach_list_asked(self, result: str) -> None:
        """Counts a question, by its result."""
        self._breach_list.labels(result).inc()

    def registration_accepted(self) -> None:
        """Counts a registration, of whatever address."""
        self._registrations.inc()

    def sign_in_answered(self, *, accepted: bool) -> None:
        """Counts a password, by whether it opened a session."""
        self._sign_ins.labels("accepted" if accepted else "refused").inc()

    def decided(self, limit: LimitName, *, admitted: bool) -> None:
        """Counts what a limit decided."""
        self._limits.labels(limit, "yes" if admitted else "no").inc()

    def proof_asked(self) -> None:
        """Counts a registration that was answered with a challenge."""
        self._proofs.labels("asked").inc()

    def proof_given(self, *, accepted: bool) -> None:
        """Counts a proof that came with a registration."""
        self._proofs.labels("accepted" if accepted else "refused").inc()

    def queued(self) -> None:
        """Counts a request that waits for its turn."""
        self._hash_queue.inc()

    def begun(self) -> None:
        """Counts one less: its turn has come, or never will."""
        self._hash_queue.dec()

    def computed(self, seconds: float, waited: float) -> None:
        """Counts one hash."""
        self._hash_seconds.observe(seconds)
        self._hash_wait.observe(waited)

    def refused(self) -> None:
        """Counts a hash that was not computed."""
        self._hash_refused.inc()


class DatabaseCollector(Collector):
    """Asks the database how its letters stand, when somebody asks us."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Yields what there is to tell, or only that the database is away."""
        try:
            with self._transactions.begin() as session:
                backlog, ended = measure_backlog(session), hold_totals(session)
                states = count_recent_states(session)
        except DatabaseUnavailable:
            yield GaugeMetricFamily("auth_database_up", "Whether the database answers.", value=0)
            return
        yield GaugeMetricFamily("auth_database_up", "Whether the database answers.", value=1)
        yield GaugeMetricFamily(
            "auth_outbox_rows", "Messages not yet confirmed by the broker.", value=backlog.rows
        )
        yield GaugeMetricFamily(
            "auth_outbox_oldest_seconds", "Age of the oldest of them.", value=backlog.oldest_seconds
        )
        yield GaugeMetricFamily("auth_held_letters", "Letters held before they are sent.", value=backlog.held)
        totals = CounterMetricFamily("auth_held_letters_ended", "How holds ended.", labels=["ended"])
        for end, letters in ended.items():
            totals.add_metric([end], letters)
        yield totals
        recent = GaugeMetricFamily(
            "auth_letters",
            "Letters asked for within the last hour, by what is known of them.",
            labels=["state"],
        )
        for state, count in states.items():
            recent.add_metric([state], count)
        yield recent


def exposition(metrics: Metrics, database: DatabaseCollector) -> bytes:
    """Returns everything in Prometheus' text format, of all processes of this API where they share a directory."""
    registry = CollectorRegistry()
    registry.register(database)
    registry.register(BuildCollector(service="auth-api", distribution="postern-auth-service"))
    own: Collector | CollectorRegistry = metrics.registry
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory is None:
        ProcessCollector(registry=registry)
    else:
        registry.register(ProcessesCollector(Path(directory)))
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        own = shared
    return generate_latest(own) + generate_latest(registry)

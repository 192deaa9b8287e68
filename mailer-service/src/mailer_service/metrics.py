"""What a replica counts. Labels are closed sets: never an address, an id, or a server's words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from mail_contract.letters import LetterClass
from mailer_service.db.holds import HoldKind
from mailer_service.db.tables import Scope
from mailer_service.delivery.outcome import Concern, Outcome, Sent
from mailer_service.queue_delay import QueueDelay
from service_runtime.process_metrics import process_registry

_ATTEMPT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)
"""Seconds. A kept connection answers in milliseconds; an attempt ends before its lease."""
_ACCEPTANCE_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 21_600, 86_400)
"""Seconds. An urgent letter is a matter of one; the longest wait is a letter's lifetime."""


class Metrics:
    """Counters of one replica, in a registry of their own.

    Args:
        queues: that the replica is to consume.
    """

    def __init__(self, queues: Collection[str] = ()) -> None:
        self.registry = process_registry(service="mailer", distribution="postern-mailer-service")
        self._queues = tuple(queues)
        self.queue_delay = QueueDelay()
        self._letters = Counter(
            "mailer_letters",
            "Attempts at letters by what the ledger recorded.",
            ["outcome", "letter_class"],
            registry=self.registry,
        )
        self._attempt_seconds = Histogram(
            "mailer_attempt_seconds",
            "From claim to outcome.",
            ["letter_class"],
            buckets=_ATTEMPT_BUCKETS,
            registry=self.registry,
        )
        self._acceptance_seconds = Histogram(
            "mailer_acceptance_seconds",
            "From a letter's creation until a mail server took it.",
            ["letter_class"],
            buckets=_ACCEPTANCE_BUCKETS,
            registry=self.registry,
        )
        self._messages = Counter(
            "mailer_messages",
            "Messages taken from the broker by what became of them.",
            ["result"],
            registry=self.registry,
        )
        self._alarms = Counter(
            "mailer_alarms",
            "Answers of mail servers that time alone does not mend, by whom they are about.",
            ["concern"],
            registry=self.registry,
        )
        self._suppressions = Counter(
            "mailer_suppressions",
            "Answers after which a recipient or a domain gets no more letters, or soon none.",
            ["scope"],
            registry=self.registry,
        )
        self._in_hand = Gauge(
            "mailer_in_hand", "Messages that threads are working on.", registry=self.registry
        )
        self._consuming = Gauge(
            "mailer_consuming",
            "Whether the replica takes messages of a queue from the broker.",
            ["queue"],
            registry=self.registry,
        )
        self._paused = Gauge(
            "mailer_paused",
            "Whether the replica leaves letters on the broker, for no provider takes any.",
            registry=self.registry,
        )
        self._provider_up = Gauge(
            "mailer_provider_up",
            "Whether letters go to a provider; 0 while it is given up.",
            ["provider"],
            registry=self.registry,
        )
        self._provider_connections = Gauge(
            "mailer_provider_connections",
            "Connections of this replica to a provider, reserved ones included.",
            ["provider"],
            registry=self.registry,
        )
        self._put_off = Counter(
            "mailer_put_off",
            "Letters sent back to wait before an attempt, by why.",
            ["reason"],
            registry=self.registry,
        )
        self._holds = Gauge(
            "mailer_holds",
            "Classes, providers and domains that operators hold.",
            ["kind"],
            registry=self.registry,
        )
        self.consuming(())
        for concern in Concern:
            self._alarms.labels(concern)
        for scope in Scope:
            self._suppressions.labels(scope)
        for letter_class in LetterClass:  # so that they can be added up before the first letter
            self._attempt_seconds.labels(letter_class)
            self._acceptance_seconds.labels(letter_class)

    def attempted(
        self, letter_class: LetterClass, outcome: Outcome, *, seconds: float, since_creation: timedelta
    ) -> None:
        """Counts one attempt that the ledger has recorded.

        Args:
            letter_class: of the letter.
            outcome: what it came to.
            seconds: how long it took.
            since_creation: age of the letter, by the database's clock; a clock that is ahead counts as zero.
        """
        self.queue_delay.took(letter_class, since_creation.total_seconds() - seconds)
        self._letters.labels(outcome.name, letter_class).inc()
        self._attempt_seconds.labels(letter_class).observe(seconds)
        if isinstance(outcome, Sent):
            self._acceptance_seconds.labels(letter_class).observe(max(0.0, since_creation.total_seconds()))

    def alarmed(self, concern: Concern) -> None:
        """A mail server gave an answer that a person should look at."""
        self._alarms.labels(concern).inc()

    def suppressing(self, scope: Scope) -> None:
        """A mail server said that nobody is there."""
        self._suppressions.labels(scope).inc()

    def taken(self) -> None:
        """A thread has begun with a message."""
        self._in_hand.inc()

    def settled(self, result: str) -> None:
        """A thread is done with a message.

        Args:
            result: name of an outcome or of a ledger's state, `put_off`, or `given_back`.
        """
        self._in_hand.dec()
        self._messages.labels(result).inc()

    def consuming(self, taken: Collection[str]) -> None:
        """The names of the queues that messages are taken from at present."""
        for queue in self._queues:
            self._consuming.labels(queue).set(queue in taken)

    def paused(self, paused: bool) -> None:
        """Consumption of letters was stopped for want of a provider, or goes on."""
        self._paused.set(paused)

    def provider(self, name: str, *, up: bool, connections: int) -> None:
        """How a provider stands; `name` is one of the configured ones."""
        self._provider_up.labels(name).set(up)
        self._provider_connections.labels(name).set(connections)

    def holds(self, kind: HoldKind, count: int) -> None:
        """So many classes, providers or domains are held by operators."""
        self._holds.labels(kind).set(count)

    def put_off(self, reason: str) -> None:
        """A letter waits on the broker, without an attempt; `reason` is one of a closed set."""
        self._put_off.labels(reason).inc()

    def exposition(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self.registry)

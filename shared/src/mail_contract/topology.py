"""Everything there is on the broker, as data: the one source for applying, checking, definitions and diagram.

Every queue is a quorum queue: a classic one redelivered 616 of 1,500 acknowledged messages after `kill -9` of the
broker, a quorum queue 4, those in flight. Its type is an argument (a policy cannot set it), all else is policy, so that
an operator can change a limit without declaring a queue again.

Exchanges that carry letters have no alternate: whoever publishes to them holds the message until it is confirmed and
routed (the outbox with `mandatory`, RabbitMQ itself by at-least-once dead-lettering). An alternate would turn a missing
binding into a success and strand the letter; without it the letter waits at its source and goes on by itself once the
binding is back. Where a publisher may let go, the alternate `unroutable` catches what has no queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from mail_contract.classes import LetterClass
from mail_contract.vhost import Binding, Exchange, Policy, Topology, User, Version

VHOST = "postern"

MAIL = "mail"
MAIL_WAIT = "mail.wait"
MAIL_DEAD = "mail.dead"
REPORTS = "reports"
MAINTENANCE = "maintenance"

MAILER_URGENT = LetterClass.URGENT.queue
MAILER_STANDARD = LetterClass.STANDARD.queue
MAILER_BULK = LetterClass.BULK.queue
MAILER_CANCELLATIONS = "mailer.cancellations"
MAILER_DEAD = "mailer.dead"
AUTH_REPORTS = "auth.reports"
AUTH_REPORTS_DEAD = "auth.reports.dead"
AUTH_MAINTENANCE = "auth.maintenance"
UNROUTABLE = "unroutable"

MAILER_CONTROL = "mailer"
"""Celery's control exchange of the mailer (`mailer.pidbox` and `reply.mailer.pidbox` on the broker)."""
MAILER_EVENTS = "mailer.ev"
"""Celery's event exchange of the mailer, and the prefix of the event queues Flower makes."""

CLASS_QUEUES: Mapping[LetterClass, str] = MappingProxyType({each: each.queue for each in LetterClass})
MAILER_WORK = (*CLASS_QUEUES.values(), MAILER_CANCELLATIONS)
"""What the mailer's workers take from."""
_ANY_MAILER_WORK = rf"mailer\.({'|'.join((*LetterClass, 'cancellations'))})"

DELIVERY_LIMIT = 10
"""Returns of one message before it is a dead letter; a letter that kills its worker stops after as many workers."""
NO_LIMIT = 1_000_000_000
"""As good as none, and understood by every version."""
MAX_LENGTH = 1_000_000
"""Messages in a queue before it refuses more; the outbox keeps what was refused."""


class WaitTier(StrEnum):
    """The waiting rooms for a letter's next attempt; one fixed TTL a queue (a TTL a message blocks at the head)."""

    S10 = "10s"
    M1 = "1m"
    M5 = "5m"
    M30 = "30m"
    H2 = "2h"

    @property
    def delay(self) -> timedelta:
        """How long a letter stays."""
        return _DELAYS[self]

    @property
    def queue(self) -> str:
        """The queue's name."""
        return f"mailer.wait.{self}"


_DELAYS: Mapping[WaitTier, timedelta] = MappingProxyType(
    {
        WaitTier.S10: timedelta(seconds=10),
        WaitTier.M1: timedelta(minutes=1),
        WaitTier.M5: timedelta(minutes=5),
        WaitTier.M30: timedelta(minutes=30),
        WaitTier.H2: timedelta(hours=2),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a message is published to."""

    exchange: str
    routing_key: str


def letter_route(letter_class: LetterClass) -> Route:
    """Returns where a letter of the class enters."""
    return Route(exchange=MAIL, routing_key=f"mail.{letter_class}")


def wait_route(letter_class: LetterClass, tier: WaitTier) -> Route:
    """Returns where a letter waits; the queue's TTL sends it back to `mail` under this same key, so to its class."""
    return Route(exchange=MAIL_WAIT, routing_key=f"mail.{letter_class}.{tier}")


def dead_route(letter_class: LetterClass | None) -> Route:
    """Returns where a letter goes that will not be sent; None where not even its class could be read."""
    return Route(exchange=MAIL_DEAD, routing_key=f"mail.{letter_class or 'unknown'}")


CANCELLATION_ROUTE = Route(exchange=MAIL, routing_key="mail.cancellation")
REPORT_ROUTE = Route(exchange=REPORTS, routing_key=AUTH_REPORTS)
MAINTENANCE_ROUTE = Route(exchange=MAINTENANCE, routing_key=AUTH_MAINTENANCE)


QUEUE_ARGUMENTS: Mapping[str, str] = MappingProxyType({"x-queue-type": "quorum"})

# At-least-once keeps a message in its queue until the dead-letter target has confirmed it; it needs reject-publish.
_DURABLE: Mapping[str, str | int] = MappingProxyType(
    {"overflow": "reject-publish", "dead-letter-strategy": "at-least-once"}
)
# After the loss of a consumer's node 4.3 keeps its messages from others for a minute, where 4.0 gave them back at once.
_CONSUMED: Mapping[Version, Mapping[str, str | int]] = {(4, 3): {"consumer-disconnected-timeout": 5000}}
_NOTHING = "^$"
_LYING = rf"^mailer\.(dead|wait\.({'|'.join(WaitTier)}))$"


def build_topology(delays: Mapping[WaitTier, timedelta] = _DELAYS) -> Topology:
    """Returns the topology, with other waiting times where a test cannot wait for two hours."""
    return Topology(
        exchanges=(
            Exchange(name=MAIL, type="topic"),
            Exchange(name=MAIL_WAIT, type="topic"),
            Exchange(name=MAIL_DEAD, type="topic"),
            Exchange(name=REPORTS, type="direct", alternate=UNROUTABLE),
            Exchange(name=MAINTENANCE, type="direct", alternate=UNROUTABLE),
            Exchange(name=UNROUTABLE, type="fanout"),
        ),
        queues=(
            *MAILER_WORK,
            *(tier.queue for tier in WaitTier),
            MAILER_DEAD,
            AUTH_REPORTS,
            AUTH_REPORTS_DEAD,
            AUTH_MAINTENANCE,
            UNROUTABLE,
        ),
        bindings=(
            *(
                Binding(exchange=MAIL, queue=queue, routing_key=f"mail.{letter_class}.#")
                for letter_class, queue in CLASS_QUEUES.items()
            ),
            Binding(exchange=MAIL, queue=MAILER_CANCELLATIONS, routing_key=CANCELLATION_ROUTE.routing_key),
            *(
                Binding(exchange=MAIL_WAIT, queue=tier.queue, routing_key=f"mail.*.{tier}")
                for tier in WaitTier
            ),
            Binding(exchange=MAIL_DEAD, queue=MAILER_DEAD, routing_key="#"),
            Binding(exchange=REPORTS, queue=AUTH_REPORTS, routing_key=AUTH_REPORTS),
            Binding(exchange=REPORTS, queue=AUTH_REPORTS_DEAD, routing_key=AUTH_REPORTS_DEAD),
            Binding(exchange=MAINTENANCE, queue=AUTH_MAINTENANCE, routing_key=AUTH_MAINTENANCE),
            Binding(exchange=UNROUTABLE, queue=UNROUTABLE, routing_key=""),
        ),
        policies=(*_policies(), *(_wait_policy(tier, delay) for tier, delay in delays.items())),
        users=_users(),
    )


def _policies() -> tuple[Policy, ...]:
    work = {**_DURABLE, "delivery-limit": DELIVERY_LIMIT, "max-length": MAX_LENGTH}
    return (
        Policy(
            name="mailer-work",
            pattern=f"^{_ANY_MAILER_WORK}$",
            definition={**work, "dead-letter-exchange": MAIL_DEAD},
            newer=_CONSUMED,
        ),
        Policy(
            name="auth-reports",
            pattern=r"^auth\.reports$",
            definition={
                **work,
                "dead-letter-exchange": REPORTS,
                "dead-letter-routing-key": AUTH_REPORTS_DEAD,
            },
            newer=_CONSUMED,
        ),
        # Scheduled work comes round again, so a tick nobody took within the hour is dropped instead of piling up.
        Policy(
            name="auth-maintenance",
            pattern=r"^auth\.maintenance$",
            definition={"message-ttl": 3_600_000, "delivery-limit": 3},
        ),
        Policy(
            name="resting",
            pattern=r"^(mailer\.dead|auth\.reports\.dead|unroutable)$",
            # RabbitMQ 4 drops a message after 20 returns where no limit is set, and every look from the console is one.
            definition={"overflow": "reject-publish", "max-length": MAX_LENGTH, "delivery-limit": NO_LIMIT},
        ),
    )


def _wait_policy(tier: WaitTier, delay: timedelta) -> Policy:
    return Policy(
        name=f"mailer-wait-{tier}",
        pattern=rf"^mailer\.wait\.{tier}$",
        definition={
            **_DURABLE,
            "message-ttl": round(delay.total_seconds() * 1000),
            "dead-letter-exchange": MAIL,
            # Every look of an operator is a return, and 4.0 takes twenty for too many.
            "delivery-limit": NO_LIMIT,
            "max-length": MAX_LENGTH,
        },
    )


def _users() -> tuple[User, ...]:
    """The least rights that work; what Celery's events and remote control need is made by the workers themselves."""
    pidbox = r"mailer\.pidbox|reply\.mailer\.pidbox|.+\.mailer\.pidbox"
    events = rf"^(mailer\.ev(\..+)?|{pidbox})$"
    return (
        User(
            name="auth",
            configure=_NOTHING,
            write="^(mail|maintenance)$",
            read=r"^auth\.(reports|maintenance)$",
        ),
        User(
            name="mailer",
            configure=rf"^(mailer\.ev|{pidbox})$",
            write=r"^(mail\.(wait|dead)|reports|mailer\.ev|reply\.mailer\.pidbox|.+@.+\.mailer\.pidbox)$",
            # Dead letters too: those of a deleted account are taken out.
            read=rf"^({_ANY_MAILER_WORK}|mailer\.dead|{pidbox})$",
        ),
        # A person with the command line: takes dead and waiting letters, sends each back or reports its end.
        User(name="operator", configure=_NOTHING, write=r"^(mail|reports)$", read=_LYING),
        User(name="flower", configure=events, write=events, read=events, tags="management"),
        # A person at the console who only looks: sees all of it, and can neither take a message nor put one in.
        User(name="viewer", configure=_NOTHING, write=_NOTHING, read=_NOTHING, tags="monitoring"),
    )


TOPOLOGY = build_topology()

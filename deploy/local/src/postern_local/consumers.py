"""Who takes messages from which queue, as the broker sees it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from amqp.exceptions import AMQPError
from kombu import Connection

from mail_contract.topology import AUTH_MAINTENANCE, AUTH_REPORTS, MAILER_URGENT, MAILER_WORK
from postern_local.readiness import ANSWER_SECONDS

AUTH_QUEUES = (AUTH_REPORTS, AUTH_MAINTENANCE)


def consumers(amqp_url: str) -> Counter[str]:
    """Number of consumers by queue; empty while the broker does not answer.

    Asked of the queues themselves, by AMQP: the management plugin hears of a consumer up to five seconds later.
    """
    try:
        with Connection(amqp_url, connect_timeout=ANSWER_SECONDS) as connection:
            channel: Any = connection.default_channel
            return Counter(
                {
                    queue: channel.queue_declare(queue, passive=True).consumer_count
                    for queue in (*MAILER_WORK, *AUTH_QUEUES)
                }
            )
    except (AMQPError, OSError):
        return Counter()


def letter_queues(overrides: Mapping[str, str]) -> tuple[str, ...]:
    """The queues of a replica that takes all: those of MAILER_QUEUES where it is set, else all."""
    chosen = [name.strip() for name in overrides.get("MAILER_QUEUES", "").split(",")]
    return tuple(name for name in chosen if name) or MAILER_WORK


def consumed(amqp_url: str, *, letters: tuple[str, ...], replicas: int) -> bool:
    """Whether every queue has the consumers it should have.

    Args:
        amqp_url: of the broker, as its administrator.
        letters: queues that each replica takes from; the urgent one has a worker of its own besides.
        replicas: how many there are.
    """
    found = consumers(amqp_url)
    wanted = Counter(dict.fromkeys(letters, replicas)) + Counter([MAILER_URGENT])
    return all(found[queue] == wanted[queue] for queue in MAILER_WORK) and all(
        found[queue] >= 1 for queue in AUTH_QUEUES
    )

"""Who takes messages from which queue, as the broker sees it."""

from collections import Counter

from mail_contract.broker.admin import BrokerAdmin
from mail_contract.errors import TopologyError
from mail_contract.topology import (
    AUTH_MAINTENANCE,
    AUTH_REPORTS,
    MAILER_BULK,
    MAILER_CANCELLATIONS,
    MAILER_STANDARD,
    MAILER_URGENT,
    VHOST,
)

LETTER_QUEUES = (MAILER_URGENT, MAILER_STANDARD, MAILER_BULK, MAILER_CANCELLATIONS)
AUTH_QUEUES = (AUTH_REPORTS, AUTH_MAINTENANCE)


def consumers(management_url: str) -> Counter[str]:
    """Number of consumers by queue; empty while the broker does not answer."""
    try:
        with BrokerAdmin(management_url, timeout=3) as admin:
            return Counter(entry["queue"]["name"] for entry in admin.get("consumers", VHOST))
    except TopologyError:
        return Counter()


def all_queues_consumed(management_url: str, *, replicas: int) -> bool:
    """Whether every letter queue has `replicas` consumers and the auth worker has its queues."""
    found = consumers(management_url)
    return _letters(found, replicas) and all(found[queue] >= 1 for queue in AUTH_QUEUES)


def letter_queues_consumed(management_url: str, *, replicas: int) -> bool:
    """Whether every letter queue has exactly `replicas` consumers."""
    return _letters(consumers(management_url), replicas)


def _letters(found: Counter[str], replicas: int) -> bool:
    return all(found[queue] == replicas for queue in LETTER_QUEUES)

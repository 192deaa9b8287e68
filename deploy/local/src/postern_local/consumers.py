"""Who takes messages from which queue, as the broker sees it."""

import json
from collections import Counter
from collections.abc import Mapping

from mail_contract.topology import (
    AUTH_MAINTENANCE,
    AUTH_REPORTS,
    MAILER_BULK,
    MAILER_CANCELLATIONS,
    MAILER_STANDARD,
    MAILER_URGENT,
    VHOST,
)
from postern_local.readiness import http_get

LETTER_QUEUES = (MAILER_URGENT, MAILER_STANDARD, MAILER_BULK, MAILER_CANCELLATIONS)
AUTH_QUEUES = (AUTH_REPORTS, AUTH_MAINTENANCE)


def consumers(management_url: str) -> Counter[str]:
    """Number of consumers by queue; empty while the broker does not answer."""
    answer = http_get(f"{management_url}/api/consumers/{VHOST}")
    return Counter(entry["queue"]["name"] for entry in json.loads(answer or "[]"))


def letter_queues(surroundings: Mapping[str, str]) -> tuple[str, ...]:
    """The queues that every mailer replica serves: those of MAILER_QUEUES where it is set, else all."""
    chosen = [name.strip() for name in surroundings.get("MAILER_QUEUES", "").split(",")]
    return tuple(name for name in chosen if name) or LETTER_QUEUES


def consumed(management_url: str, *, letters: tuple[str, ...], replicas: int) -> bool:
    """Whether each queue in `letters` has exactly `replicas` consumers, and those of the auth worker one at least."""
    found = consumers(management_url)
    return all(found[queue] == replicas for queue in letters) and all(
        found[queue] >= 1 for queue in AUTH_QUEUES
    )

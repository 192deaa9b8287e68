"""Names of the headers a dead letter carries; RabbitMQ's console shows them."""

from __future__ import annotations

REASON = "x-postern-reason"
REPLY = "x-postern-reply"
ATTEMPTS = "x-postern-attempts"
FIRST_SEEN = "x-postern-first-seen"
CLASS = "x-postern-class"
DIED_AT = "x-postern-died-at"

UNCONFIRMED = "unconfirmed"
"""The reason of a letter that the mail server may have."""

BROKERS_DEATH = "x-death"
"""RabbitMQ's own account of a dead-lettering (https://www.rabbitmq.com/docs/dlx), the last one first."""


def without_extensions(headers: dict[str, object]) -> dict[str, object]:
    """Returns the headers without those that begin with `x-`: ours, and what the broker counts and remembers."""
    return {name: value for name, value in headers.items() if not name.lower().startswith("x-")}

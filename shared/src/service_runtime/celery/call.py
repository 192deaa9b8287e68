"""What a message must be before a worker runs anything: a bare call of a task that belongs to its queue.

Celery's protocol lets a message say far more: what to run afterwards, with whose result, when, under which name. A worker
does all of it with its own rights, so whoever may write to one queue would act as the service that reads it. Celery also
takes every key of the `embed` part from the headers where `embed` lacks it, so both are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from mail_contract.tasks import TASKS

HARMLESS_HEADERS = frozenset(
    {
        "lang",
        "task",
        "id",
        "root_id",
        "parent_id",
        "retries",
        "argsrepr",
        "kwargsrepr",
        "origin",
        "ignore_result",
    }
)
"""What a bare call of Celery's carries."""

REFUSED_HEADERS = frozenset(
    {
        # What runs afterwards.
        *("callbacks", "errbacks", "chain", "chord", "group", "group_index", "taskset"),
        # When: a task with an ETA would be held in memory beyond the broker's patience, an expired one acked away.
        *("eta", "expires", "timelimit", "time_limit", "soft_time_limit", "utc"),
        # How it is shown, and by what it is revoked.
        *("shadow", "stamps", "stamped_headers", "replaced_task_nesting"),
        # What only the worker itself may say of a call.
        *(
            "args",
            "kwargs",
            "headers",
            "properties",
            "delivery_info",
            "reply_to",
            "correlation_id",
            "hostname",
        ),
        *("called_directly", "is_eager", "logfile", "loglevel", "_children", "_protected"),
        # Unpacked before anybody has looked at its size.
        "compression",
    }
)
"""What a call must leave empty: every other name that Celery reads from a message."""


class Refusal(StrEnum):
    """Why a message is not run."""

    NOT_A_TASK = "not_a_task"
    MISPLACED_TASK = "misplaced_task"
    MORE_THAN_A_CALL = "more_than_a_call"


def refusal(queue: str, headers: Any, payload: Any) -> Refusal | None:
    """Says why a message must not be run; None where it may be.

    Args:
        queue: the message was taken from.
        headers: of the message.
        payload: its decoded body.
    """
    if not _is_call(headers, payload):
        return Refusal.NOT_A_TASK
    if headers["task"] not in TASKS.get(queue, ()):
        return Refusal.MISPLACED_TASK
    embed = payload[2]
    if any(embed.values()) or any(_says_something(headers.get(name)) for name in REFUSED_HEADERS):
        return Refusal.MORE_THAN_A_CALL
    return None


def _is_call(headers: Any, payload: Any) -> bool:
    return (
        isinstance(headers, Mapping)
        and isinstance(headers.get("task"), str)
        and isinstance(headers.get("id"), str)
        and isinstance(payload, list | tuple)
        and [type(part) for part in payload] == [list, dict, dict]
    )


def _says_something(value: Any) -> bool:
    """Celery itself writes `[None, None]` for no time limits."""
    return any(value) if isinstance(value, list | tuple) else bool(value)

"""When beat asks for scheduled work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from auth_service.maintenance.tasks import PURGES
from mail_contract.tasks import END_HOLDS, END_LOST_LETTERS, REMIND_REGISTRATIONS, RENEW_LETTERS
from mail_contract.topology import MAINTENANCE_ROUTE

EVERY: Final[Mapping[str, timedelta]] = MappingProxyType(
    {
        **dict.fromkeys(PURGES, timedelta(hours=1)),
        # Reads all letters there are; who lost one has waited for hours.
        END_LOST_LETTERS: timedelta(minutes=15),
        REMIND_REGISTRATIONS: timedelta(minutes=15),
        **dict.fromkeys((RENEW_LETTERS, END_HOLDS), timedelta(minutes=1)),
    }
)
"""Often enough that a tick missed while the broker was away is of no account; a person waits for a renewal."""


def build_schedule(every: timedelta | None = None) -> dict[str, dict[str, Any]]:
    """Returns Celery's `beat_schedule`; a tick nobody takes within the hour goes by the queue's own policy.

    Args:
        every: one interval for all, where a test cannot wait.
    """
    return {
        name: {
            "task": name,
            "schedule": every or interval,
            "options": {
                "exchange": MAINTENANCE_ROUTE.exchange,
                "routing_key": MAINTENANCE_ROUTE.routing_key,
                "mandatory": True,
                # beat keeps one connection for ever; only a retried publish gets a new channel for a broken one.
                "retry": True,
                "retry_policy": {
                    "max_retries": 3,
                    "interval_start": 0.5,
                    "interval_step": 1.0,
                    "interval_max": 3.0,
                },
            },
        }
        for name, interval in EVERY.items()
    }

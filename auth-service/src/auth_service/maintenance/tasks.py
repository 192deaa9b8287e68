"""The Celery tasks of scheduled work, taken from `auth.maintenance`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import structlog
from celery import Celery

from auth_service.db.limits import purge_limits
from auth_service.db.transactions import Transactions
from auth_service.errors import DatabaseUnavailable
from auth_service.maintenance.purge import (
    purge_audit,
    purge_codes,
    purge_email_changes,
    purge_letters,
    purge_refresh_tokens,
    purge_refusals,
    purge_registrations,
    purge_sessions,
    purge_tokens,
)
from auth_service.outbox.lost import end_lost_letters
from auth_service.worker_status import WorkerStatus
from mail_contract.tasks import (
    END_HOLDS,
    END_LOST_LETTERS,
    PURGE_AUDIT,
    PURGE_CODES,
    PURGE_EMAIL_CHANGES,
    PURGE_LETTERS,
    PURGE_LIMITS,
    PURGE_REFRESH_TOKENS,
    PURGE_REFUSALS,
    PURGE_REGISTRATIONS,
    PURGE_SESSIONS,
    PURGE_TOKENS,
    REMIND_REGISTRATIONS,
    RENEW_LETTERS,
)

log = structlog.get_logger(__name__)

Purge = Callable[..., int]

PURGES: Final[Mapping[str, Purge]] = MappingProxyType(
    {
        PURGE_REGISTRATIONS: purge_registrations,
        PURGE_REFUSALS: purge_refusals,
        PURGE_TOKENS: purge_tokens,
        PURGE_LETTERS: purge_letters,
        PURGE_LIMITS: purge_limits,
        PURGE_SESSIONS: purge_sessions,
        PURGE_REFRESH_TOKENS: purge_refresh_tokens,
        PURGE_CODES: purge_codes,
        PURGE_EMAIL_CHANGES: purge_email_changes,
        PURGE_AUDIT: purge_audit,
    }
)
"""Every piece of scheduled work by the name of its task."""

BATCH_ROWS: Final = 500
"""Rows a transaction; few enough that nobody waits for their locks."""

RUN_SECONDS: Final = 300.0
"""How long a run goes on at most; what is left waits for the next. A thousand rows a second and more go, so an hour's run keeps up
with as much as can be made in an hour."""


def register_maintenance_tasks(
    app: Celery,
    transactions: Transactions,
    *,
    renew_due: Callable[..., int],
    remind_due: Callable[..., int],
    end_holds: Purge,
    status: WorkerStatus,
) -> None:
    """Gives the app one task for each of `PURGES`, and those of lost letters, of renewals, of reminders and of holds."""

    def purging(purge: Purge) -> Callable[[], int]:
        def batch() -> int:
            with transactions.begin() as session:
                return purge(session, limit=BATCH_ROWS)

        return batch

    for name, purge in PURGES.items():
        app.task(name=name, shared=False)(_task(name, purging(purge), "purged", status))
    app.task(name=END_HOLDS, shared=False)(_task(END_HOLDS, purging(end_holds), "holds_ended", status))
    app.task(name=END_LOST_LETTERS, shared=False)(
        _task(END_LOST_LETTERS, purging(end_lost_letters), "lost_letters_ended", status)
    )
    app.task(name=REMIND_REGISTRATIONS, shared=False)(
        _task(REMIND_REGISTRATIONS, lambda: remind_due(limit=BATCH_ROWS), "reminded", status)
    )
    app.task(name=RENEW_LETTERS, shared=False)(
        _task(RENEW_LETTERS, lambda: renew_due(limit=BATCH_ROWS), "renewed", status)
    )


def _task(name: str, do_batch: Callable[[], int], event: str, status: WorkerStatus) -> Callable[[], None]:
    def run() -> None:
        rows = 0
        try:
            until = time.monotonic() + RUN_SECONDS
            while time.monotonic() < until:
                batch = do_batch()
                rows += batch
                if batch < BATCH_ROWS:
                    break
        except DatabaseUnavailable as error:
            # Not tried again: the same work comes round with the next tick.
            log.warning("maintenance_interrupted", task=name, rows=rows, error=type(error.__cause__).__name__)
            return
        status.maintained(name, rows)
        log.info(event, task=name, rows=rows)

    return run

"""`auth-service worker`: ⑨ records reports, renews letters that expired, and does scheduled work."""

from __future__ import annotations

import socket
import sys
import threading
from typing import Any, Final
from uuid import uuid4

from celery import signals

from auth_service.cli.starting import start
from auth_service.db.transactions import Transactions
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.end_holds import EndExpiredHolds
from auth_service.flows.letter_writer import LetterWriter
from auth_service.flows.limits import MailboxLimit, Unobserved
from auth_service.flows.remind_registrations import RemindRegistrations
from auth_service.flows.renew_letters import RenewLetters
from auth_service.flows.sign_up_letters import SignUpLetters
from auth_service.inbox.tasks import register_report_task
from auth_service.maintenance.tasks import register_maintenance_tasks
from auth_service.settings import WorkerSettings
from auth_service.worker_status import WorkerStatus
from mail_contract.topology import AUTH_MAINTENANCE, AUTH_REPORTS
from service_runtime.celery.app import build_app
from service_runtime.celery.heartbeat import heartbeat_step
from service_runtime.database.engine import build_engine, build_sessions
from service_runtime.endpoint import Probes, served

THREADS: Final = 4
"""Each holds one database connection for the milliseconds a report takes."""


def run() -> None:
    """Works until SIGTERM, then finishes what it has begun."""
    settings = start("auth-worker", WorkerSettings)
    queues = [AUTH_REPORTS, AUTH_MAINTENANCE]
    app = build_app("auth-worker", broker_url=settings.broker_url.get_secret_value(), consumes=queues)
    status = WorkerStatus(queues)
    app.steps["consumer"].add(heartbeat_step(status.heartbeat))
    engine = build_engine(
        settings.database_url.get_secret_value(), application="auth-worker", connections=THREADS, overflow=0
    )
    transactions = Transactions(build_sessions(engine))
    letters = SignUpLetters(
        writer=LetterWriter(
            sealer=settings.sealer(), keyed_hash=settings.keyed_hash(), public_url=settings.public_url
        ),
        sign_in_url=settings.sign_in_page,
        hold_period=settings.hold_period,
    )
    renewals = RenewLetters(transactions=transactions, letters=letters)
    keyed_hash = settings.keyed_hash()
    reminders = RemindRegistrations(
        transactions=transactions,
        letters=letters,
        requests=MailboxLimit(limit=settings.limit_mailbox, keyed_hash=keyed_hash, observer=Unobserved()),
        watch=CampaignWatch(suspicion=settings.campaign, keyed_hash=keyed_hash),
    )
    stopping = threading.Event()

    def on_stop(**_: Any) -> None:
        stopping.set()

    signals.worker_shutting_down.connect(on_stop)
    register_report_task(app, renewals.take, stopping, status)
    register_maintenance_tasks(
        app,
        transactions,
        renew_due=renewals.renew_due,
        remind_due=reminders.remind_due,
        end_holds=EndExpiredHolds(suspicion=settings.campaign),
        status=status,
    )
    worker = app.Worker(
        # One name a process: the library expands placeholders only on its own command line.
        hostname=f"auth-worker-{uuid4().hex[:8]}@{socket.gethostname()}",
        queues=queues,
        pool="threads",
        concurrency=THREADS,
        loglevel=settings.log_level,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    probes = Probes(exposition=status.exposition, complaint=status.complaint, not_ready=status.not_ready)
    with served(settings.worker_listen, variable="AUTH_WORKER_LISTEN", probes=probes):
        worker.start()
    engine.dispose()
    sys.exit(worker.exitcode or 0)

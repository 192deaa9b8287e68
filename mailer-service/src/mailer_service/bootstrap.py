"""Puts the mailer together, once a process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from celery import Celery
from sqlalchemy import Engine

from mail_contract.celery_app import build_app
from mail_contract.keys import SealingKeys, VerifyingKeys
from mail_contract.sealing import Opener
from mailer_service.deadletters.publisher import DeadLetterPublisher
from mailer_service.delivery.deliver import Deliverer
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.patience import Patience
from mailer_service.inbox.cancellations import CancellationInbox
from mailer_service.inbox.letters import LetterInbox
from mailer_service.inbox.tasks import register
from mailer_service.render.renderer import Renderer
from mailer_service.reports.publisher import ReportPublisher
from mailer_service.settings import WorkerSettings
from mailer_service.smtp.address import Mailbox
from mailer_service.smtp.message import Sender
from mailer_service.smtp.server import SmtpServer
from mailer_service.smtp.transport import SmtpTransport
from mailer_service.store.engine import build_engine
from mailer_service.store.presence import Presence

_SPARE_CONNECTIONS = 2
"""To the database, for the presence and the questions of those who wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """A replica, put together and not started.

    Attributes:
        app: with both tasks registered.
        stopping: set it, and everything that waits comes to an end.
    """

    app: Celery
    stopping: Event
    engine: Engine
    presence: Presence
    transport: SmtpTransport

    def close(self) -> None:
        """Lets go of what is still open."""
        self.transport.close()
        self.presence.leave()
        self.engine.dispose()


def build_mailer(settings: WorkerSettings, *, replica: str) -> Mailer:
    """Puts a replica together.

    Args:
        settings: of the worker.
        replica: its name, unlike that of any other.
    """
    app = build_app(
        "mailer-service",
        broker_url=settings.broker_url.get_secret_value(),
        consumes=settings.queues,
        monitored=True,
    )
    app.conf.update(
        broker_pool_limit=settings.concurrency, worker_soft_shutdown_timeout=settings.stop_seconds
    )
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application=replica,
        connections=settings.concurrency + _SPARE_CONNECTIONS,
    )
    stopping = Event()
    presence = Presence(engine)
    ledger = Ledger(
        engine, presence=presence, replica=replica, lease=timedelta(seconds=settings.lease_seconds)
    )
    patience = Patience(stopping=stopping, ledger_answers=ledger.answers)
    transport = SmtpTransport(
        SmtpServer.from_url(settings.smtp_url.get_secret_value()),
        sender=Sender(mailbox=Mailbox.parse(settings.sender), name=settings.product_name),
        operation_seconds=settings.smtp_timeout_seconds,
    )
    deliverer = Deliverer(
        opener=Opener(
            sealing_keys=SealingKeys.from_json(settings.sealing_keys.get_secret_value()),
            verifying_keys=VerifyingKeys.from_json(settings.verifying_keys.get_secret_value()),
        ),
        ledger=ledger,
        renderer=Renderer(product_name=settings.product_name),
        transport=transport,
        patience=patience,
        attempt_seconds=settings.attempt_seconds,
    )
    reports, dead_letters = ReportPublisher(app), DeadLetterPublisher(app)
    register(
        app,
        letters=LetterInbox(
            app, deliverer=deliverer, reports=reports, dead_letters=dead_letters, patience=patience
        ),
        cancellations=CancellationInbox(
            ledger=ledger, reports=reports, dead_letters=dead_letters, patience=patience
        ),
    )
    return Mailer(app=app, stopping=stopping, engine=engine, presence=presence, transport=transport)

"""Puts the mailer together, once a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from celery import Celery
from sqlalchemy import Engine

from mail_contract.keys import SealingKeys, VerifyingKeys
from mail_contract.sealing import Opener
from mail_contract.topology import MAILER_CANCELLATIONS
from mailer_service.address import Mailbox
from mailer_service.batcher import GATHERING_SECONDS, Batcher
from mailer_service.db.session_lock import SessionLock
from mailer_service.deadletters.eraser import DeadLetterEraser
from mailer_service.deadletters.session import erase_forgotten
from mailer_service.delivery.lease import LeaseKeeper
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.waiter import StopSignal, Waiter
from mailer_service.ledger_metrics import LedgerCollector
from mailer_service.letters.check import check_letters
from mailer_service.letters.compose import Sender
from mailer_service.letters.dkim import Signer
from mailer_service.letters.dkim_keys import DkimKeys
from mailer_service.letters.renderer import Renderer
from mailer_service.metrics import Metrics
from mailer_service.providers.circuit import Circuit, ProbeBackoff
from mailer_service.providers.connection_quota import ConnectionQuota
from mailer_service.providers.destination_throttle import DestinationThrottle
from mailer_service.providers.holds import Holds, HoldStore
from mailer_service.providers.provider import Provider
from mailer_service.providers.provider_monitor import ProviderMonitor
from mailer_service.providers.provider_store import ProviderStore
from mailer_service.providers.rate_limiter import RateLimiter
from mailer_service.providers.route import Route
from mailer_service.settings import WorkerSettings
from mailer_service.smtp.server import read_servers
from mailer_service.smtp.transport import SmtpTransport
from mailer_service.suppression.recipient_hashes import RecipientHasher
from mailer_service.worker.consumption import Consumption
from mailer_service.worker.follow_up import FollowUp
from mailer_service.worker.liveness import Liveness, ThreadWatchdog
from mailer_service.worker.pipeline import Pipeline
from mailer_service.worker.tasks import Cancellations, register
from mailer_service.worker.untaken import UntakenLetters, untaken_step
from service_runtime.celery.app import build_app
from service_runtime.celery.heartbeat import Heartbeat, heartbeat_step
from service_runtime.database.engine import build_engine
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.confirms import PublishOutcome
from service_runtime.publishing.message import OutgoingMessage
from service_runtime.publishing.publisher import Publisher

_LEDGER_CONNECTIONS = 8
"""At most: threads share round trips, so there are never many under way at once."""
_WAITING_SHARE = 0.6
"""Of the time a replica has for stopping: the rest is for recording and publishing what became of its letters."""
_SPARE_CONNECTIONS = 5
"""To the database: for the session lock, the provider monitor, dead letters, the questions of those who wait, and Prometheus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """A replica, put together and not started.

    Attributes:
        app: with both tasks registered.
        stopping: set it, and everything that waits comes to an end.
        metrics: what it counts.
        liveness: whether it is stuck.
    """

    app: Celery
    stopping: StopSignal
    engine: Engine
    session_lock: SessionLock
    monitor: ProviderMonitor
    eraser: DeadLetterEraser
    route: Route
    publisher: Publisher
    metrics: Metrics
    liveness: Liveness

    def close(self) -> None:
        """Lets go of what is still open."""
        self.monitor.stop()
        self.eraser.stop()
        self.route.close()
        self.publisher.close()
        self.session_lock.leave()
        self.engine.dispose()


def build_mailer(settings: WorkerSettings, *, replica: str) -> Mailer:
    """Puts a replica together.

    Args:
        settings: of the worker.
        replica: its name, unlike that of any other.

    Raises:
        BrokenTemplates: a letter cannot be written.
    """
    renderer = Renderer(settings.brand, overlay=settings.templates)
    if settings.templates is not None:
        check_letters(renderer)  # ours are checked by the tests: to compile them all takes 0.3 s
    broker_url = settings.broker_url.get_secret_value()
    app = build_app("mailer-service", broker_url=broker_url, consumes=settings.queues, monitored=True)
    app.conf.worker_soft_shutdown_timeout = settings.stop_seconds
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application=replica,
        connections=min(settings.concurrency, _LEDGER_CONNECTIONS) + _SPARE_CONNECTIONS,
        autocommit=True,  # every step of the ledger is one statement
    )
    stopping = StopSignal()
    metrics = Metrics(settings.queues)
    untaken = UntakenLetters()
    metrics.registry.register(LedgerCollector(engine, metrics.queue_delay, untaken=untaken.seconds))
    watchdog = ThreadWatchdog()
    heartbeat = Heartbeat(consuming=metrics.consuming)
    app.steps["consumer"].update((heartbeat_step(heartbeat), untaken_step(untaken, settings.queues)))
    session_lock = SessionLock(engine)
    ledger = Ledger(
        engine, session_lock=session_lock, replica=replica, lease=timedelta(seconds=settings.lease_seconds)
    )
    waiter = Waiter(stop=stopping, ledger_answers=ledger.answers, sign=watchdog.sign)
    probe_backoff = ProbeBackoff(
        first_seconds=settings.probe_seconds, limit_seconds=settings.probe_limit_seconds
    )
    provider_store = ProviderStore(engine, probe_backoff=probe_backoff)
    providers = _build_providers(
        settings, store=provider_store, session_lock=session_lock, pause=waiter.pause, stopping=stopping
    )
    holds = Holds(HoldStore(engine))
    letter_queues = [queue for queue in settings.queues if queue != MAILER_CANCELLATIONS]
    monitor = ProviderMonitor(
        providers,
        store=provider_store,
        holds=holds,
        consumption=Consumption(letter_queues, stopping=stopping, metrics=metrics),
        metrics=metrics,
    )
    route = Route(
        providers,
        throttle=DestinationThrottle(threads=settings.concurrency, going_on=lambda: not stopping.is_set()),
        holds=holds,
        stopping=stopping,
        sign=watchdog.sign,
        metrics=metrics,
        changed=monitor.look_soon,
    )
    publisher = Publisher(partial(ConfirmingChannel, app))
    publishing: Batcher[OutgoingMessage, PublishOutcome] = Batcher(
        publisher.publish, every=GATHERING_SECONDS, concerns_all=lambda _: False
    )
    follow_up = FollowUp(publish=publishing.ask, waiter=waiter)
    pipeline = Pipeline(
        opener=Opener(
            sealing_keys=SealingKeys.from_json(settings.sealing_keys.get_secret_value()),
            verifying_keys=VerifyingKeys.from_json(settings.verifying_keys.get_secret_value()),
        ),
        hasher=RecipientHasher(settings.hash_key.get_secret_value()),
        route=route,
        renderer=renderer,
        sender=_sender(settings),
        ledger=ledger,
        keeper=LeaseKeeper(
            ledger,
            lease_seconds=settings.lease_seconds,
            stop=stopping,
            stop_seconds=settings.stop_seconds * _WAITING_SHARE,
            sign=watchdog.sign,
        ),
        waiter=waiter,
        follow_up=follow_up,
        metrics=metrics,
        attempt_seconds=settings.attempt_seconds,
    )
    eraser = DeadLetterEraser(partial(erase_forgotten, broker_url, engine, actor=replica))
    register(
        app,
        pipeline=pipeline,
        cancellations=Cancellations(ledger=ledger, follow_up=follow_up, waiter=waiter, eraser=eraser),
        watchdog=watchdog,
        metrics=metrics,
    )
    return Mailer(
        app=app,
        stopping=stopping,
        engine=engine,
        session_lock=session_lock,
        monitor=monitor,
        eraser=eraser,
        route=route,
        publisher=publisher,
        metrics=metrics,
        liveness=Liveness(
            watchdog=watchdog,
            heartbeat=heartbeat,
            companions={"session lock": lambda: session_lock.ended, "providers": lambda: monitor.ended},
            stopping=stopping,
            lease_seconds=settings.lease_seconds,
        ),
    )


def _build_providers(
    settings: WorkerSettings,
    *,
    store: ProviderStore,
    session_lock: SessionLock,
    pause: Callable[[float], bool],
    stopping: StopSignal,
) -> Sequence[Provider]:
    return [
        Provider(
            server,
            transport=SmtpTransport(
                server,
                hello_name=Mailbox.parse(settings.sender).domain,
                operation_seconds=settings.smtp_timeout_seconds,
                dot_seconds=settings.dot_seconds,
            ),
            store=store,
            quota=ConnectionQuota(server, session_lock, going_on=lambda: not stopping.is_set()),
            rate_limiter=None
            if server.rate is None
            else RateLimiter(server.rate, partial(store.reserve, server.name, rate=server.rate), pause=pause),
            circuit=Circuit(),
        )
        for server in read_servers(settings.smtp_url.get_secret_value())
    ]


def _sender(settings: WorkerSettings) -> Sender:
    keys = settings.dkim_keys
    return Sender(
        mailbox=Mailbox.parse(settings.sender),
        name=settings.product_name,
        reply_to=None if settings.reply_to is None else Mailbox.parse(settings.reply_to),
        signer=None
        if keys is None
        else Signer(DkimKeys.from_pem(keys.get_secret_value()), domain=settings.signing_domain),
    )

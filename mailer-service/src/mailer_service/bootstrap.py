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
from mailer_service.deadletters.publisher import DeadLetterPublisher
from mailer_service.delivery.lease import LeaseKeeper
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.stop import StopSignal
from mailer_service.delivery.waiter import Waiter
from mailer_service.liveness.hands import Hands
from mailer_service.liveness.pulse import Pulse, pulse_step
from mailer_service.liveness.verdict import Liveness
from mailer_service.metrics import Metrics
from mailer_service.postbox import Postbox
from mailer_service.providers.breaker import Breaker, Probing
from mailer_service.providers.domains import Domains
from mailer_service.providers.pace import Pace
from mailer_service.providers.provider import Provider
from mailer_service.providers.register import ProviderRegister
from mailer_service.providers.route import Route
from mailer_service.providers.slots import Slots
from mailer_service.providers.watch import ProviderWatch
from mailer_service.render.renderer import Renderer
from mailer_service.settings import WorkerSettings
from mailer_service.smtp.dkim import Signer
from mailer_service.smtp.dkim_keys import DkimKeys
from mailer_service.smtp.message import Sender
from mailer_service.smtp.server import read_servers
from mailer_service.smtp.transport import SmtpTransport
from mailer_service.store.presence import Presence
from mailer_service.suppression.marks import Marker
from mailer_service.worker.cancellations import Cancellations
from mailer_service.worker.consumption import Consumption
from mailer_service.worker.follow_up import FollowUp
from mailer_service.worker.pipeline import Pipeline
from mailer_service.worker.tasks import register
from service_runtime.celery.app import build_app
from service_runtime.database.engine import build_engine

_LEDGER_CONNECTIONS = 8
"""At most: threads share round trips, so there are never many under way at once."""
_WAITING_SHARE = 0.6
"""Of the time a replica has for stopping: the rest is for recording and publishing what became of its letters."""
_SPARE_CONNECTIONS = 3
"""To the database, for the presence, the watch on the providers, and the questions of those who wait."""


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
    presence: Presence
    watch: ProviderWatch
    route: Route
    postbox: Postbox
    metrics: Metrics
    liveness: Liveness

    def close(self) -> None:
        """Lets go of what is still open."""
        self.watch.stop()
        self.route.close()
        self.postbox.close()
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
        connections=min(settings.concurrency, _LEDGER_CONNECTIONS) + _SPARE_CONNECTIONS,
        autocommit=True,  # every step of the ledger is one statement
    )
    stopping = StopSignal()
    metrics = Metrics(settings.queues)
    hands = Hands()
    pulse = Pulse(metrics=metrics)
    app.steps["consumer"].add(pulse_step(pulse))
    presence = Presence(engine)
    ledger = Ledger(
        engine, presence=presence, replica=replica, lease=timedelta(seconds=settings.lease_seconds)
    )
    waiter = Waiter(stop=stopping, ledger_answers=ledger.answers, sign=hands.sign)
    probing = Probing(first_seconds=settings.probe_seconds, limit_seconds=settings.probe_limit_seconds)
    provider_register = ProviderRegister(engine, probing=probing)
    providers = _build_providers(
        settings, register=provider_register, presence=presence, pause=waiter.pause, stopping=stopping
    )
    letter_queues = [queue for queue in settings.queues if queue != MAILER_CANCELLATIONS]
    watch = ProviderWatch(
        providers,
        register=provider_register,
        consumption=Consumption(letter_queues, stopping=stopping, metrics=metrics),
        metrics=metrics,
    )
    route = Route(
        providers,
        domains=Domains(threads=settings.concurrency, going_on=lambda: not stopping.is_set()),
        stopping=stopping,
        sign=hands.sign,
        metrics=metrics,
        changed=watch.look_soon,
    )
    postbox = Postbox(app)
    follow_up = FollowUp(postbox=postbox, dead_letters=DeadLetterPublisher(app), waiter=waiter)
    pipeline = Pipeline(
        opener=Opener(
            sealing_keys=SealingKeys.from_json(settings.sealing_keys.get_secret_value()),
            verifying_keys=VerifyingKeys.from_json(settings.verifying_keys.get_secret_value()),
        ),
        marker=Marker(settings.hash_key.get_secret_value()),
        route=route,
        renderer=Renderer(product_name=settings.product_name),
        sender=_sender(settings),
        ledger=ledger,
        keeper=LeaseKeeper(
            ledger,
            lease_seconds=settings.lease_seconds,
            stop=stopping,
            stop_seconds=settings.stop_seconds * _WAITING_SHARE,
            sign=hands.sign,
        ),
        waiter=waiter,
        follow_up=follow_up,
        metrics=metrics,
        attempt_seconds=settings.attempt_seconds,
    )
    register(
        app,
        pipeline=pipeline,
        cancellations=Cancellations(ledger=ledger, follow_up=follow_up, waiter=waiter),
        hands=hands,
        metrics=metrics,
    )
    return Mailer(
        app=app,
        stopping=stopping,
        engine=engine,
        presence=presence,
        watch=watch,
        route=route,
        postbox=postbox,
        metrics=metrics,
        liveness=Liveness(
            hands=hands,
            pulse=pulse,
            companions={"presence": lambda: presence.ended, "providers": lambda: watch.ended},
            stopping=stopping,
            lease_seconds=settings.lease_seconds,
        ),
    )


def _build_providers(
    settings: WorkerSettings,
    *,
    register: ProviderRegister,
    presence: Presence,
    pause: Callable[[float], bool],
    stopping: StopSignal,
) -> Sequence[Provider]:
    hello_name = Mailbox.parse(settings.sender).domain
    return [
        Provider(
            server,
            transport=SmtpTransport(
                server,
                hello_name=hello_name,
                operation_seconds=settings.smtp_timeout_seconds,
                dot_seconds=settings.dot_seconds,
            ),
            register=register,
            slots=Slots(server, presence, going_on=lambda: not stopping.is_set()),
            pace=None
            if server.rate is None
            else Pace(server.rate, partial(register.reserve, server.name, rate=server.rate), pause=pause),
            breaker=Breaker(),
        )
        for server in read_servers(settings.smtp_url.get_secret_value())
    ]


def _sender(settings: WorkerSettings) -> Sender:
    keys = settings.dkim_keys
    return Sender(
        mailbox=Mailbox.parse(settings.sender),
        name=settings.product_name,
        signer=None
        if keys is None
        else Signer(DkimKeys.from_json(keys.get_secret_value()), domain=settings.signing_domain),
    )

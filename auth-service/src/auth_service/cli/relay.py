"""`auth-service relay`: ④ takes committed letters to the broker."""

from __future__ import annotations

import signal

from auth_service.cli.starting import start
from auth_service.db.transactions import Transactions
from auth_service.relay.loop import Pace, Relay
from auth_service.relay.status import RelayStatus
from auth_service.relay.wakeup import Listener, StopRequest, Wakeup
from auth_service.settings import RelaySettings
from service_runtime.celery.app import build_app
from service_runtime.database.engine import build_engine, build_sessions
from service_runtime.endpoint import Probes, served
from service_runtime.publishing.channel import ConfirmingChannel


def run() -> None:
    """Relays until SIGTERM or SIGINT."""
    settings = start("auth-relay", RelaySettings)
    database_url = settings.database_url.get_secret_value()
    app = build_app("auth-relay", broker_url=settings.broker_url.get_secret_value())
    engine = build_engine(database_url, application="auth-relay", connections=1, overflow=1)
    listener = Listener(database_url)
    stop = StopRequest()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.make)
    status = RelayStatus(lease_seconds=settings.relay_lease_seconds)
    relay = Relay(
        transactions=Transactions(build_sessions(engine)),
        connect=lambda: ConfirmingChannel(app),
        wakeup=Wakeup(listener=listener, stop=stop),
        stop=stop,
        pace=Pace(
            window=settings.relay_window,
            poll_seconds=settings.relay_poll_seconds,
            lease_seconds=settings.relay_lease_seconds,
        ),
        status=status,
    )
    probes = Probes(exposition=status.exposition, complaint=status.complaint, not_ready=status.not_ready)
    try:
        with served(settings.relay_listen, variable="AUTH_RELAY_LISTEN", probes=probes):
            relay.run()
    finally:
        listener.close()
        engine.dispose()

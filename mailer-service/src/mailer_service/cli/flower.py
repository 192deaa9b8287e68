"""`mailer-service flower`: shows the replicas and their tasks; arguments are redacted before they get here."""

from __future__ import annotations

from flower.views import BaseHandler

from mail_contract.topology import MAILER_DEAD, MAILER_WORK, WaitTier
from mailer_service.settings import FlowerSettings
from service_runtime.celery.app import build_app

_GONE_SECONDS = 120
_LETTERS = (*MAILER_WORK, *(tier.queue for tier in WaitTier), MAILER_DEAD)


def run(settings: FlowerSettings) -> None:
    """Serves until SIGTERM."""
    app = build_app(
        "mailer-service", broker_url=settings.flower_broker_url.get_secret_value(), monitored=True
    )
    # Flower asks the replicas which queues they take from; an operator wants to see those as well where letters lie.
    BaseHandler.get_active_queue_names = lambda _: sorted(_LETTERS)
    api = settings.flower_broker_api_url
    host, _, port = settings.flower_listen.rpartition(":")
    # These never reach the process's own arguments, where other users of the machine could read them.
    app.start(
        [
            "flower",
            f"--address={host}",
            f"--port={port}",
            f"--basic-auth={settings.flower_login.get_secret_value()}",
            f"--cookie-secret={settings.flower_cookie_secret.get_secret_value()}",
            *(() if api is None else (f"--broker-api={api.get_secret_value().rstrip('/')}/api/",)),
            # A task revoked from here would be acked away by the worker: a letter gone without a word.
            "--read_only=true",
            # The replicas send events by themselves, and know no command that would change them.
            "--enable_events=false",
            "--persistent=false",
            # A replica that was stopped or replaced is no news after a few minutes.
            f"--purge-offline-workers={_GONE_SECONDS}",
            "--max-tasks=10000",
        ]
    )

"""`mailer-service flower`: shows the replicas and their tasks; arguments are redacted before they get here."""

from __future__ import annotations

from mailer_service.settings import FlowerSettings
from service_runtime.celery.app import build_app


def run(settings: FlowerSettings) -> None:
    """Serves until SIGTERM."""
    app = build_app(
        "mailer-service", broker_url=settings.flower_broker_url.get_secret_value(), monitored=True
    )
    host, _, port = settings.flower_listen.rpartition(":")
    # These never reach the process's own arguments, where other users of the machine could read them.
    app.start(
        [
            "flower",
            f"--address={host}",
            f"--port={port}",
            f"--basic-auth={settings.flower_login.get_secret_value()}",
            f"--cookie-secret={settings.flower_cookie_secret.get_secret_value()}",
            # A task revoked from here would be acked away by the worker: a letter gone without a word.
            "--read_only=true",
            # The replicas send events by themselves, and know no command that would change them.
            "--enable_events=false",
            "--persistent=false",
            "--max-tasks=10000",
        ]
    )

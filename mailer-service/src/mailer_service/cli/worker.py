"""`mailer-service worker`: one replica. Any number may run side by side."""

from __future__ import annotations

import logging
import os
import socket
from threading import Timer
from typing import Any
from uuid import uuid4

import structlog
from celery import signals

from mailer_service.bootstrap import build_mailer
from mailer_service.processor import keep_to_one_processor
from mailer_service.settings import WorkerSettings
from service_runtime.endpoint import Probes, served

log = structlog.get_logger(__name__)


def run(settings: WorkerSettings) -> None:
    """Consumes until SIGTERM; then finishes or gives back what is in hand, within the seconds it has for that."""
    node = f"mailer-{uuid4().hex[:8]}@{socket.gethostname()}"
    mailer = build_mailer(settings, replica=node)
    keep_to_one_processor()
    log.info("replica_starting", replica=node, queues=settings.queues, concurrency=settings.concurrency)

    logging.captureWarnings(True)  # or they would break the lines of the log

    def stop(**_: Any) -> None:
        if mailer.stopping.is_set():  # asked again: the end is near already
            return
        mailer.stopping.set()
        # Should a thread hang all the same, its message returns to the queue with the connection, and its letter is
        # free again with the session lock.
        last_resort = Timer(settings.stop_seconds, _end_now)
        last_resort.daemon = True
        last_resort.start()

    signals.worker_shutting_down.connect(stop, weak=False)
    probes = Probes(
        exposition=mailer.metrics.exposition,
        complaint=mailer.liveness.complaint,
        not_ready=mailer.liveness.not_ready,
    )
    with served(settings.listen, variable="MAILER_LISTEN", probes=probes):
        mailer.session_lock.arrive()
        mailer.monitor.start()
        mailer.eraser.start()
        try:
            mailer.app.worker_main(_arguments(settings, node))
        finally:
            mailer.close()


def _arguments(settings: WorkerSettings, node: str) -> list[str]:
    return [
        "--quiet",
        "worker",
        "--pool=threads",
        f"--concurrency={settings.concurrency}",
        f"--queues={','.join(settings.queues)}",
        f"--hostname={node}",
        f"--loglevel={settings.log_level}",
        "--without-gossip",
        "--without-mingle",
    ]


def _end_now() -> None:
    log.warning("replica_stopped_unfinished")
    # As orderly an end as the other: what was in hand is given back.
    os._exit(0)

"""A child of `auth-service api`: two listeners with a loop each. Imported late: prometheus_client reads a variable the master sets."""

from __future__ import annotations

import os
from threading import Event, Thread
from typing import Final

from gunicorn.workers.base import Worker

from auth_service.bootstrap import OPS_THREADS
from auth_service.http.headers import standard_headers
from auth_service.http.server import HttpServer

GRACE_SECONDS: Final = 30
"""How long a request in progress may go on after SIGTERM."""
_PROBES_GRACE_SECONDS: Final = 3


class ApiWorker(Worker):  # type: ignore[misc] # gunicorn is untyped
    """Serves until it is asked to stop or its master is gone."""

    def run(self) -> None:
        """Serves; then finishes the requests in progress."""
        settings, api = self.app.settings, self.wsgi
        headers = standard_headers(over_tls=settings.public_url.startswith("https://"))
        public, ops = (listener.sock for listener in self.sockets)
        server = HttpServer(headers=headers)
        server.add(api.public, public, threads=settings.api_threads)
        probes = HttpServer(headers=headers)
        probes.add(api.ops, ops, threads=OPS_THREADS)
        ended = Event()
        # However many requests the other loop has to read, whoever asks how we are gets an answer in time.
        probing = Thread(target=_serve, args=(probes, ended), name="probes", daemon=True)
        probing.start()
        while self.alive and self.ppid == os.getppid():
            self.notify()
            server.step()
        server.stop(seconds=GRACE_SECONDS, tick=self.notify)
        ended.set()
        probing.join(timeout=_PROBES_GRACE_SECONDS)


def _serve(server: HttpServer, ended: Event) -> None:
    while not ended.is_set():
        server.step()
    server.stop(seconds=1, tick=lambda: None)

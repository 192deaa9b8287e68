"""A child of `auth-service api`: one loop, two listeners. Imported late: prometheus_client reads a variable the master sets."""

from __future__ import annotations

import os
from typing import Final

from gunicorn.workers.base import Worker

from auth_service.bootstrap import OPS_THREADS
from auth_service.http.headers import standard_headers
from auth_service.http.server import HttpServer

GRACE_SECONDS: Final = 30
"""How long a request in progress may go on after SIGTERM."""


class ApiWorker(Worker):  # type: ignore[misc] # gunicorn is untyped
    """Serves until it is asked to stop or its master is gone."""

    def run(self) -> None:
        """Serves; then finishes the requests in progress."""
        settings, api = self.app.settings, self.wsgi
        server = HttpServer(headers=standard_headers(over_tls=settings.public_url.startswith("https://")))
        public, ops = (listener.sock for listener in self.sockets)
        server.add(api.public, public, threads=settings.api_threads)
        server.add(api.ops, ops, threads=OPS_THREADS)
        while self.alive and self.ppid == os.getppid():
            self.notify()
            server.step()
        server.stop(seconds=GRACE_SECONDS, tick=self.notify)

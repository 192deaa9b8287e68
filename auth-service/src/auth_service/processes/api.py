"""`auth-service api`: ① serves HTTP with gunicorn; this process is the master, and each child builds an application of its own."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from auth_service.processes.starting import start
from auth_service.settings import ApiSettings

_GRACE_SECONDS: Final = 30
"""How long a request in progress may go on after SIGTERM."""


def run() -> None:
    """Serves until SIGTERM, then finishes the requests in progress."""
    settings = start("auth-api", ApiSettings)
    if settings.prometheus_dir is not None:
        settings.prometheus_dir.mkdir(parents=True, exist_ok=True)
        for left_over in settings.prometheus_dir.glob("*.db"):
            left_over.unlink()  # of processes that are gone; their numbers would be added to ours
        # Read by prometheus_client when it is imported, so before the application is.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.prometheus_dir)
    import_module("auth_service.bootstrap")  # once for all children: it takes each a second of a core
    Server(settings).run()


class PropagatingLogger(Logger):  # type: ignore[misc] # gunicorn is untyped
    """Leaves gunicorn's own messages to the root logger, which writes them as all others are written."""

    def setup(self, cfg: Any) -> None:
        """Takes the handlers away that gunicorn brings."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc] # gunicorn is untyped
    """Gunicorn without its command line and its configuration files."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Sets what is not gunicorn's default."""
        chosen = {
            "bind": self._settings.listen,
            "workers": self._settings.api_workers,
            "threads": self._settings.api_threads,
            "worker_class": "gthread",
            # Not before the fork: children would share the master's sockets to database and broker.
            "preload_app": False,
            "graceful_timeout": _GRACE_SECONDS,
            "logger_class": PropagatingLogger,
            "control_socket_disable": True,
            "child_exit": _forget_metrics,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Builds the application, in each child."""
        from auth_service.bootstrap import build_api  # noqa: PLC0415 - see run()

        return build_api(self._settings)


def _forget_metrics(_server: Any, worker: Any) -> None:
    """Gunicorn's hook when a child has ended: its gauges no longer count."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

"""`auth-service api`: ① serves HTTP. This process is gunicorn's master; each child builds applications of its own.

Gunicorn keeps the children: it binds the sockets, forks, replaces what ends or hangs, stops in order. What it would serve with
reads requests in the threads that answer them, so twenty slow clients are enough to stop it; the children run `api_worker.py`.
"""

from __future__ import annotations

import os
import resource
from importlib import import_module
from typing import Any, Final

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from auth_service.cli.starting import start
from auth_service.settings import ApiSettings

log = structlog.get_logger(__name__)

_OPEN_FILES: Final = 4096


def run() -> None:
    """Serves until SIGTERM, then finishes the requests in progress."""
    settings = start("auth-api", ApiSettings)
    for variable in settings.off():
        log.warning("limit_off", setting=variable)
    for kid in settings.outlived_keys():
        log.warning("token_key_outlived", kid=kid)
    _allow_connections()
    if settings.prometheus_dir is not None:
        settings.prometheus_dir.mkdir(parents=True, exist_ok=True)
        for left_over in settings.prometheus_dir.glob("*.db"):
            left_over.unlink()  # of processes that are gone; their numbers would be added to ours
        # Read by prometheus_client when it is imported, so before the application is.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.prometheus_dir)
    # Once for all children: it takes each a second of a core.
    import_module("auth_service.cli.api_worker")
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
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Sets what is not gunicorn's default."""
        from auth_service.cli import api_worker  # noqa: PLC0415 - see run()

        chosen = {
            "bind": [self.settings.listen, self.settings.ops_listen],
            "workers": self.settings.api_workers,
            "worker_class": api_worker.ApiWorker,
            # Not before the fork: children would share the master's sockets to database and broker.
            "preload_app": False,
            "graceful_timeout": api_worker.GRACE_SECONDS,
            "logger_class": PropagatingLogger,
            "control_socket_disable": True,
            "child_exit": _forget_metrics,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Builds the applications, in each child."""
        from auth_service.bootstrap import build_api  # noqa: PLC0415 - see run()

        return build_api(self.settings)


def _allow_connections() -> None:
    """Slow clients may hold a thousand connections a child, and the usual limit of open files is little more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _forget_metrics(_server: Any, worker: Any) -> None:
    """Gunicorn's hook when a child has ended: its gauges no longer count."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

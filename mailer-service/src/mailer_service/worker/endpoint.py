"""The worker's small HTTP port: `/metrics` for Prometheus, `/healthz` for whoever starts a stuck replica anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.exposition import ThreadingWSGIServer

from mailer_service.errors import AddressTaken

_CLIENT_SECONDS = 5


class _Handler(WSGIRequestHandler):
    """One request; a client that says nothing is let go."""

    timeout = _CLIENT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's signature
        """Nothing: somebody asks every few seconds."""


@contextmanager
def served(
    listen: str | None,
    *,
    exposition: Callable[[], bytes],
    complaint: Callable[[], str | None],
    degraded: Callable[[], Mapping[str, str]],
) -> Iterator[None]:
    """Answers in threads of its own meanwhile.

    Args:
        listen: host:port; None for no port at all.
        exposition: what Prometheus reads.
        complaint: why the process should be started anew; None while it works.
        degraded: the queues it should consume and cannot, and why.

    Raises:
        AddressTaken: somebody else listens there.
    """
    if listen is None:
        yield
        return

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                status, kind, body = HTTPStatus.OK, CONTENT_TYPE_LATEST, exposition()
            case "/healthz":
                problem = complaint()
                status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
                found = {"alive": not problem, "because": problem, "queues_not_consumed": dict(degraded())}
                kind, body = "application/json", json.dumps(found).encode()
            case _:
                status, kind, body = HTTPStatus.NOT_FOUND, "text/plain", b"/metrics, /healthz\n"
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    host, _, port = listen.rpartition(":")
    try:
        server = make_server(
            host, int(port), answer, server_class=ThreadingWSGIServer, handler_class=_Handler
        )
    except OSError as error:
        raise AddressTaken(f"MAILER_LISTEN={listen}: {error.strerror}") from error
    with server:
        thread = Thread(target=server.serve_forever, name="endpoint", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()

"""A process's small HTTP port: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever starts processes anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.exposition import ThreadingWSGIServer

from service_runtime.errors import AddressTaken

_CLIENT_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What the port tells.

    Attributes:
        exposition: what Prometheus reads.
        complaint: why the process should be started anew; None while it works.
        not_ready: what it cannot do at present, where a new start would not help, and why; empty while it can do its work.
    """

    exposition: Callable[[], bytes]
    complaint: Callable[[], str | None]
    not_ready: Callable[[], Mapping[str, str]]

    def answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Returns the status, the media type and the body for a path."""
        match path:
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, self.exposition()
            case "/healthz":
                problem = self.complaint()
                found = {"alive": not problem, "because": problem, "not_ready": dict(self.not_ready())}
                return _json(found, well=not problem)
            case "/readyz":
                lacking = dict(self.not_ready())
                return _json({"ready": not lacking, "not_ready": lacking}, well=not lacking)
            case _:
                return HTTPStatus.NOT_FOUND, "text/plain", b"/metrics, /healthz, /readyz\n"


@contextmanager
def served(listen: str | None, *, variable: str, probes: Probes) -> Iterator[None]:
    """Answers in threads of its own meanwhile.

    Args:
        listen: host:port; None for no port at all.
        variable: the setting it is from.
        probes: what it tells.

    Raises:
        AddressTaken: somebody else listens there.
    """
    if listen is None:
        yield
        return

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        status, kind, body = probes.answer(environ["PATH_INFO"])
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    host, _, port = listen.rpartition(":")
    try:
        server = make_server(
            host, int(port), answer, server_class=ThreadingWSGIServer, handler_class=_Handler
        )
    except OSError as error:
        raise AddressTaken(f"{variable}={listen}: {error.strerror}") from error
    with server:
        thread = Thread(target=server.serve_forever, name="endpoint", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _Handler(WSGIRequestHandler):
    """One request; a client that says nothing is let go."""

    timeout = _CLIENT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's signature
        """Nothing: somebody asks every few seconds."""


def _json(found: Mapping[str, Any], *, well: bool) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", json.dumps(found).encode()

"""① The HTTP server of one process: requests are read whole, by a deadline, before a thread is spent on them.

Waitress's one loop holds the connections, whatever they do; its threads see complete requests only. It has no deadline of its
own for a request that comes a byte at a time, so connections are given one here.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from auth_service.http.lifecycle import ARRIVED
from auth_service.http.problems import INTERNAL_ERROR
from auth_service.http.request_parser import (
    MAX_HEADER_BYTES,
    MAX_RECEIVED_BYTES,
    RequestParser,
    WireError,
)
from auth_service.http.unread import unread_seconds

DEADLINE_SECONDS: Final = 15.0
"""For a whole request, from its first byte to its last; as long may a connection wait for one, or for its answer to be taken."""

_CONNECTIONS: Final = 1000
"""Open at once on a listener of a process; more wait in the listener's queue until the deadline has closed some."""

_LOOP_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


class _Task(WSGITask):  # type: ignore[misc] # waitress is untyped
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[ARRIVED] = self.request.arrived
        return environ


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    def execute(self) -> None:
        error = self.request.error
        if not isinstance(error, WireError):
            error = WireError(INTERNAL_ERROR)  # waitress's own, about an application that failed
        self.status, headers, body = error.to_response(self.channel.server.headers)
        self.response_headers.extend(headers)
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(b"" if getattr(self.request, "command", "") == "HEAD" else body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    task_class = _Task
    error_task_class = _ErrorTask

    def __init__(self, *args: Any, **more: Any) -> None:
        self.waiting_since = time.monotonic()
        super().__init__(*args, **more)

    def parser_class(self, adjustments: Any) -> RequestParser:
        return RequestParser(adjustments, unread_seconds=lambda: unread_seconds(self.socket))

    def received(self, data: bytes) -> bool:
        # Blank lines are no request: waitress drops them, and whoever sends nothing else is still waiting for one to begin.
        if self.request is None and data.strip():
            self.waiting_since = time.monotonic()
        return bool(super().received(data))

    def service(self) -> None:
        super().service()
        self.waiting_since = time.monotonic()

    def is_overdue(self, now: float) -> bool:
        return not self.requests and now - self.waiting_since > DEADLINE_SECONDS

    def is_idle(self) -> bool:
        return not self.requests and self.request is None and not self.total_outbufs_len

    def handle_error(self) -> None:
        # The library would log the exception, and its message may quote the request.
        _log.warning("connection_failed", error=self.compact_traceback()[1].__name__)
        self.handle_close()


class _Listener(TcpWSGIServer):  # type: ignore[misc]
    channel_class = _Channel
    next_channel_cleanup: float

    def __init__(self, *args: Any, headers: Mapping[str, str], **more: Any) -> None:
        self.headers = headers
        super().__init__(*args, **more)

    def readable(self) -> bool:
        # Its own connections count, not those of other listeners in the same loop.
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        return bool(self.accepting) and len(self.active_channels) < self.adj.connection_limit

    def maintenance(self, _now: float) -> None:
        now = time.monotonic()
        for channel in self.active_channels.values():
            if channel.is_overdue(now):
                channel.will_close = True


class HttpServer:
    """Listeners with an application and threads each, in one loop.

    Args:
        headers: of answers that no application makes.
    """

    def __init__(self, *, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._map: dict[int, Any] = {}
        self._listeners: list[_Listener] = []
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        logging.getLogger("waitress").setLevel(logging.WARNING)
        logging.getLogger("waitress").addFilter(_without_paths)

    def add(self, application: Callable[..., Any], listener: socket.socket, *, threads: int) -> None:
        """Serves an application on a socket that is bound.

        Args:
            application: WSGI.
            listener: may be shared with other processes.
            threads: requests at once.
        """
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(threads)
        adjustments = Adjustments(
            threads=threads,
            connection_limit=_CONNECTIONS,
            cleanup_interval=1,
            max_request_header_size=MAX_HEADER_BYTES,
            max_request_body_size=MAX_RECEIVED_BYTES,
            backlog=2048,
            ident=None,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=False,
        )
        info = (listener.family, listener.type, listener.proto, listener.getsockname())
        self._listeners.append(
            _Listener(
                application,
                self._map,
                True,
                listener,
                dispatcher=dispatcher,
                adj=adjustments,
                bind_socket=False,
                sockinfo=info,
                headers=self._headers,
            )
        )

    def step(self) -> None:
        """Does what there is to do, or waits for it half a second at most."""
        wasyncore.poll2(_LOOP_SECONDS, self._map)

    def stop(self, *, seconds: float, tick: Callable[[], None]) -> None:
        """Takes no more connections, and returns when the requests in progress are answered.

        A request that was begun may go on coming in until its deadline.

        Args:
            seconds: after which it returns nevertheless.
            tick: called at each turn of the loop.
        """
        for listener in self._listeners:
            listener.accepting = False
            wasyncore.dispatcher.close(listener)
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._close_idle():
            tick()
            for listener in self._listeners:
                listener.maintenance(0.0)
            self.step()
        for listener in self._listeners:
            listener.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map, ignore_all=True)

    def _close_idle(self) -> bool:
        """Closes connections on which nothing is asked; returns whether there are others."""
        channels = [channel for listener in self._listeners for channel in listener.active_channels.values()]
        for channel in channels:
            if channel.is_idle():
                channel.will_close = True
        return bool(channels)


def _without_paths(record: logging.LogRecord) -> bool:
    """A logging filter: waitress quotes the path of a request that failed, and a path may hold a receipt."""
    record.msg, record.args = record.getMessage().partition(" while serving ")[0], None
    if record.exc_info and record.exc_info[0] is not None:
        record.msg, record.exc_info = f"{record.msg}: {record.exc_info[0].__name__}", None
    return True

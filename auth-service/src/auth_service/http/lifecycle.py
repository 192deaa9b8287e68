"""What happens around every request: its id, its headers, its line in the log, its place in the metrics."""

from __future__ import annotations

import time
from typing import Final
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from auth_service.errors import TooBusy
from auth_service.http.headers import REQUEST_ID, REQUEST_ID_FORM, standard_headers
from auth_service.http.metrics import Metrics
from auth_service.security.passwords import requested_at
from service_runtime.telemetry import bind_correlation_id, current_correlation_id

_NO_ROUTE: Final = "(none)"
ARRIVED: Final = "postern.arrived"
"""Key of the WSGI environment: when the request was complete on this machine, in seconds on the monotonic clock."""

_log = structlog.get_logger(__name__)


def surround_requests(
    app: Flask, *, metrics: Metrics, over_tls: bool, longest_wait: float | None = None
) -> None:
    """Installs what happens before and after every request.

    Args:
        app: the application.
        metrics: told about each answer.
        over_tls: whether people reach us by https only, so that browsers may be told to insist on it.
        longest_wait: seconds that a request may have waited for a thread; beyond them nothing is done for it, since whoever
            asked has given up, or soon will, and others wait behind it.
    """
    standard = standard_headers(over_tls=over_tls)

    def before() -> None:
        structlog.contextvars.clear_contextvars()
        given = request.headers.get(REQUEST_ID, "")
        bind_correlation_id(given if REQUEST_ID_FORM.fullmatch(given) else uuid4().hex)
        # It may have waited for a thread; a caller's patience began when it was sent.
        g.arrived = request.environ.get(ARRIVED, time.monotonic())
        requested_at.set(g.arrived)
        waited = time.monotonic() - g.arrived
        metrics.request_begun(waited=waited)
        if longest_wait is not None and waited > longest_wait:
            raise TooBusy

    def after(response: Response) -> Response:
        for name, value in standard.items():
            response.headers.setdefault(name, value)
        response.headers[REQUEST_ID] = current_correlation_id() or ""
        _account_for(response)
        return response

    def _account_for(response: Response) -> None:
        route = _NO_ROUTE if request.url_rule is None else request.url_rule.rule
        seconds = time.monotonic() - g.arrived
        metrics.request_answered(
            method=request.method, route=route, status=response.status_code, seconds=seconds
        )
        _log.info(
            "request_answered",
            method=request.method if request.url_rule else "(any)",
            route=route,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
        )

    def done(_error: BaseException | None) -> None:
        requested_at.set(None)

    app.before_request(before)
    app.after_request(after)
    app.teardown_request(done)

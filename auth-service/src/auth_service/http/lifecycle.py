"""What happens around every request: its id, its headers, its line in the log, its place in the metrics."""

from __future__ import annotations

import re
import time
from typing import Final
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from auth_service.http.metrics import Metrics
from mail_contract.telemetry import bind_correlation_id, current_correlation_id

REQUEST_ID_HEADER: Final = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_NO_ROUTE: Final = "(none)"

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STRICT_TRANSPORT: Final = "max-age=31536000; includeSubDomains"

_log = structlog.get_logger(__name__)


def surround_requests(app: Flask, *, metrics: Metrics, over_tls: bool) -> None:
    """Installs what happens before and after every request.

    Args:
        app: the application.
        metrics: told about each answer.
        over_tls: whether people reach us by https only, so that browsers may be told to insist on it.
    """

    def before() -> None:
        structlog.contextvars.clear_contextvars()
        given = request.headers.get(REQUEST_ID_HEADER, "")
        bind_correlation_id(given if _REQUEST_ID.fullmatch(given) else uuid4().hex)
        g.started = time.perf_counter()

    def after(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if over_tls:
            response.headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT)
        response.headers[REQUEST_ID_HEADER] = current_correlation_id() or ""
        _account_for(response)
        return response

    def _account_for(response: Response) -> None:
        route = _NO_ROUTE if request.url_rule is None else request.url_rule.rule
        seconds = time.perf_counter() - g.started
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

    app.before_request(before)
    app.after_request(after)

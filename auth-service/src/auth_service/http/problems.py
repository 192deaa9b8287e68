"""Every error leaves as `application/problem+json` (RFC 9457): what, not why inside; nothing of the request comes back."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

import structlog
from flask import Flask, Response, current_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from auth_service.errors import RequestError, Unavailable
from auth_service.http.statuses import STATUSES, code_of
from mail_contract.telemetry import current_correlation_id

MEDIA_TYPE: Final = "application/problem+json"
PUBLIC_URL: Final = "AUTH_PUBLIC_URL"
"""Key of the application's configuration under which problem types find their documentation."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFlaw:
    """What is wrong with one field; never its value."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An answer that is an error.

    Attributes:
        status: HTTP status.
        code: machine's word, stable; the last part of `type`.
        title: for people.
        flaws: by field, where the body is to blame.
        headers: to be sent along.
    """

    status: HTTPStatus
    code: str
    title: str
    flaws: Sequence[FieldFlaw] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


INTERNAL_ERROR: Final = Problem(
    status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal_error", title="Something went wrong on our side."
)
NOT_FOUND: Final = Problem(status=HTTPStatus.NOT_FOUND, code="not_found", title="There is nothing here.")
METHOD_NOT_ALLOWED: Final = Problem(
    status=HTTPStatus.METHOD_NOT_ALLOWED,
    code="method_not_allowed",
    title="This call takes another method; see `Allow`.",
)
_BY_STATUS: Final = {problem.status: problem for problem in (NOT_FOUND, METHOD_NOT_ALLOWED, INTERNAL_ERROR)}


class Refusal(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def respond(problem: Problem) -> Response:
    """Returns the answer."""
    body: dict[str, object] = {
        "type": f"{current_app.config[PUBLIC_URL]}/docs#problem-{problem.code}",
        "title": problem.title,
        "status": problem.status.value,
        "code": problem.code,
        "request_id": current_correlation_id(),
    }
    if problem.flaws:
        body["errors"] = [{"field": f.field, "code": f.code, "message": f.message} for f in problem.flaws]
    response = Response(json.dumps(body), status=problem.status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def problem_of(error: RequestError) -> Problem:
    """Returns how a flow's error is answered."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else {}
    return Problem(
        status=STATUSES[type(error)], code=code_of(type(error)), title=error.sentence(), headers=headers
    )


def answer_errors_with_problems(app: Flask) -> None:
    """Makes every error of the application, the framework's and the unforeseen too, a problem document."""
    app.register_error_handler(Refusal, lambda refusal: respond(refusal.problem))
    app.register_error_handler(RequestError, _on_flow_error)
    app.register_error_handler(HTTPException, _on_framework_error)
    app.register_error_handler(Exception, _on_unforeseen_error)


def _on_flow_error(error: RequestError) -> Response:
    if isinstance(error, Unavailable):
        _log.warning("request_refused", error=type(error).__name__, cause=type(error.__cause__).__name__)
    return respond(problem_of(error))


def _on_framework_error(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    problem = _BY_STATUS.get(status) or Problem(status=status, code=status.name.lower(), title=status.phrase)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        problem = replace(problem, headers={"Allow": ", ".join(sorted(error.valid_methods))})
    return respond(problem)


def _on_unforeseen_error(error: Exception) -> Response:
    # The frames, not the message: messages of libraries quote addresses and parameters.
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    _log.error("request_failed", error=type(error).__name__, frames=frames)
    return respond(INTERNAL_ERROR)

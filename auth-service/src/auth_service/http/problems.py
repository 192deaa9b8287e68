"""Every error leaves as `application/problem+json` (RFC 9457): what, and what to do now; nothing of the request comes back."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from auth_service.errors import RequestError, Unavailable
from auth_service.http.statuses import STATUSES, code_of
from service_runtime.telemetry import current_correlation_id

MEDIA_TYPE: Final = "application/problem+json"

TYPE_PREFIX: Final = "urn:postern:problem:"
"""RFC 9457 asks for absolute URIs, since relative ones name something else at each deployment and path; and for the same URI
wherever the same thing is meant. A locator would have to be somebody's host, so it is a name."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with one field; never its value.

    Attributes:
        pointer: JSON Pointer as a URI fragment (RFC 6901 section 6), such as `#/email`; `#` is the whole body.
        code: machine's word, one of docs/errors.md.
        detail: for people.
        params: what a sentence in another language needs, such as `{"min": 15}`.
    """

    pointer: str
    code: str
    detail: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An answer that is an error.

    Attributes:
        status: HTTP status.
        code: machine's word, stable; the last part of `type`.
        title: what is wrong; the same whenever the code is.
        detail: the remedy.
        flaws: all of them, where fields are to blame.
        headers: to be sent along.
        more: members that this problem has beside those of all (RFC 9457 section 3.2).
    """

    status: HTTPStatus
    code: str
    title: str
    detail: str
    flaws: Sequence[Flaw] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


INTERNAL_ERROR: Final = Problem(
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
    code="internal_error",
    title="Something went wrong on our side.",
    detail="Try again in a moment. If it goes on, tell us the request_id.",
)
NOT_FOUND: Final = Problem(
    status=HTTPStatus.NOT_FOUND,
    code="not_found",
    title="There is nothing here.",
    detail="Check the address; /docs lists every call.",
)
METHOD_NOT_ALLOWED: Final = Problem(
    status=HTTPStatus.METHOD_NOT_ALLOWED,
    code="method_not_allowed",
    title="This call takes another method.",
    detail="Use one of those in the Allow header.",
)
BAD_REQUEST: Final = Problem(
    status=HTTPStatus.BAD_REQUEST,
    code="bad_request",
    title="This isn't a valid HTTP request.",
    detail="Check the request line, the Host header, the other headers and the body's framing (RFC 9112).",
)
ANYWHERE: Final = (NOT_FOUND, METHOD_NOT_ALLOWED, INTERNAL_ERROR)
"""What any address may answer."""

_BY_STATUS: Final = {problem.status: problem for problem in ANYWHERE}


class Refusal(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def document_of(problem: Problem, *, request_id: str | None) -> bytes:
    """Returns the problem document."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.title,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
        **problem.more,
    }
    if problem.flaws:
        body["errors"] = [
            {"pointer": flaw.pointer, "code": flaw.code, "detail": flaw.detail, "params": dict(flaw.params)}
            for flaw in problem.flaws
        ]
    return json.dumps(body, ensure_ascii=False).encode("utf-8")


def respond(problem: Problem) -> Response:
    """Returns the answer."""
    document = document_of(problem, request_id=current_correlation_id())
    response = Response(document, status=problem.status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def problem_of(error: RequestError) -> Problem:
    """Returns how a flow's error is answered."""
    retry_after = None if error.retry_after is None else str(error.retry_after)
    headers = {"Retry-After": retry_after, "WWW-Authenticate": error.challenge}
    return Problem(
        status=STATUSES[type(error)],
        code=code_of(type(error)),
        title=error.title,
        detail=error.detail,
        headers={name: value for name, value in headers.items() if value is not None},
        more=error.members(),
    )


def answer_errors_with_problems(app: Flask) -> None:
    """Makes every error of the application, the framework's and the unforeseen too, a problem document."""
    app.register_error_handler(Refusal, lambda refusal: respond(refusal.problem))
    app.register_error_handler(RequestError, _on_flow_error)
    app.register_error_handler(HTTPException, _on_framework_error)
    app.register_error_handler(Exception, _on_unforeseen_error)


def problem_of_flow(error: RequestError) -> Problem:
    """Returns how an error is answered that a flow raised just now; that the service could not is logged."""
    if isinstance(error, Unavailable):
        _log.warning("request_refused", error=type(error).__name__, cause=type(error.__cause__).__name__)
    return problem_of(error)


def _on_flow_error(error: RequestError) -> Response:
    return respond(problem_of_flow(error))


def _on_framework_error(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    problem = _BY_STATUS.get(status) or (
        BAD_REQUEST if status < HTTPStatus.INTERNAL_SERVER_ERROR else INTERNAL_ERROR
    )
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

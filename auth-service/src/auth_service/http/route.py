"""A route and its documentation, in one value: none can exist without the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, Protocol

from flask import Response
from pydantic import BaseModel

from auth_service.account_errors import ApplicationToken, NotSignedIn
from auth_service.errors import (
    DatabaseUnavailable,
    ExpiredLink,
    RateLimited,
    RequestError,
    UnknownLink,
    UsedLink,
    VoidLink,
)
from auth_service.http.body import MALFORMED, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, unprocessable
from auth_service.http.problems import Problem, problem_of

FORM = "application/x-www-form-urlencoded"

BODY_PROBLEMS = (UNSUPPORTED_MEDIA_TYPE, TOO_LARGE, MALFORMED, unprocessable())
"""What may be wrong with any body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer.

    Attributes:
        status: HTTP status.
        description: for people.
        schema: of the body; None where it is not JSON.
        media_type: of the body.
    """

    status: HTTPStatus
    description: str
    schema: type[BaseModel] | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Query:
    """What may follow a path, never required.

    Attributes:
        description: for people.
        schema: JSON Schema of its value.
    """

    description: str
    schema: Mapping[str, Any]


AFTER = Query("As `next` of the answer before.", {"type": "string", "format": "uuid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call.

    Attributes:
        method: HTTP method.
        path: Flask's rule.
        view: what answers; its arguments are the path's.
        name: unique; `operationId` in OpenAPI.
        group: of calls that belong together.
        summary: one line.
        description: more, for people.
        bodies: what the body may be; empty for none.
        answer: on success.
        problems: on failure; `internal_error` goes without saying.
        parameters: descriptions of the path's arguments.
        query: what may follow the path.
        signed_in: whether it takes an access token.
        may_be_signed_in: whether it takes one and needs none.
        may_be_application: whether an application may say that it calls for its people.
        encoding: media type of the body.
        oauth_errors: whether what is wrong with the request is said as OAuth has it, and not as a problem.
        is_page: whether browsers of people ask for it or post a form to it; then it is no part of the API's description.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    view: Callable[..., Response]
    name: str
    group: str
    summary: str
    answer: Answer
    description: str = ""
    bodies: Sequence[type[BaseModel]] = ()
    problems: Sequence[Problem] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Query] = field(default_factory=dict)
    signed_in: bool = False
    may_be_signed_in: bool = False
    may_be_application: bool = False
    encoding: str = "application/json"
    oauth_errors: bool = False
    is_page: bool = False


class Resource(Protocol):
    """Calls that belong together."""

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""


def json_answer(model: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Returns the model as the answer; fields that are None are left out."""
    return Response(model.model_dump_json(exclude_none=True), status=status, content_type="application/json")


def problems_of(*errors: type[RequestError]) -> Sequence[Problem]:
    """Returns how these errors of flows are answered, for the documentation."""
    return tuple(problem_of(error()) for error in errors)


READER_PROBLEMS = problems_of(NotSignedIn, DatabaseUnavailable)
"""What may be wrong with a call that takes any access token, also one that an application got for a code."""

SIGNED_IN_PROBLEMS = (*READER_PROBLEMS, *problems_of(ApplicationToken))
"""What may be wrong with a call that takes an access token."""

LINK_PROBLEMS = problems_of(UnknownLink, UsedLink, ExpiredLink, VoidLink, RateLimited, DatabaseUnavailable)
"""What may be wrong with the link of an email."""

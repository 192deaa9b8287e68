"""Reading a JSON body strictly: what two parsers could understand differently is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError

from auth_service.http.flaws import flaws_of
from auth_service.http.problems import Flaw, Problem, Refusal

MAX_BODY_BYTES: Final = 16 * 1024

UNSUPPORTED_MEDIA_TYPE = Problem(
    status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    code="unsupported_media_type",
    title="The body isn't application/json.",
    detail="Send JSON in UTF-8, not compressed, with Content-Type: application/json.",
)
TOO_LARGE = Problem(
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    code="body_too_large",
    title="The body is too large.",
    detail=f"Send at most {MAX_BODY_BYTES} bytes.",
)
MALFORMED = Problem(
    status=HTTPStatus.BAD_REQUEST,
    code="malformed_body",
    title="The body isn't one JSON object.",
    detail="Send one JSON object in UTF-8, each name in it once, without NaN or Infinity.",
)

M = TypeVar("M", bound=BaseModel)


def read_object(request: Request) -> dict[str, Any]:
    """Returns the body's JSON object; refuses with 415, 413 or 400."""
    encoding = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or encoding != "utf-8" or "Content-Encoding" in request.headers:
        raise Refusal(UNSUPPORTED_MEDIA_TYPE)
    body = request.stream.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Refusal(TOO_LARGE)
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates are no text
    except (ValueError, RecursionError):
        raise Refusal(MALFORMED) from None
    if not isinstance(value, dict):
        raise Refusal(MALFORMED)
    return value


def check(model: type[M], value: dict[str, Any]) -> tuple[M | None, Sequence[Flaw]]:
    """Returns the value as its model, or all that does not fit."""
    try:
        return model.model_validate(value), ()
    except ValidationError as error:
        return None, flaws_of(error)


def validate(model: type[M], value: dict[str, Any]) -> M:
    """Returns the value as its model; refuses with 422 naming all that does not fit."""
    body, flaws = check(model, value)
    if body is None:
        raise Refusal(unprocessable(*flaws))
    return body


def unprocessable(*flaws: Flaw) -> Problem:
    """Returns the problem of a body that is JSON but not what the call takes."""
    return Problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="invalid_fields",
        title="Some fields need another look.",
        detail="Correct the fields that `errors` points at, and send it again.",
        flaws=flaws,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

"""Reading a JSON body strictly: what two parsers could understand differently is refused."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError

from auth_service.http.problems import FieldFlaw, Problem, Refusal

MAX_BODY_BYTES: Final = 16 * 1024

# What of an oversized body is read and thrown away, so that its sender reads our answer instead of a reset connection.
_MAX_DRAINED_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

_MESSAGES = {
    "missing": ("missing", "This field is needed."),
    "extra_forbidden": ("unknown", "There is no such field."),
    "string_type": ("type", "This must be a string."),
    "string_too_long": ("too_long", "This is too long."),
    "string_too_short": ("too_short", "This is too short."),
}
_OTHER_FLAW = ("format", "This does not have the right form.")

UNSUPPORTED_MEDIA_TYPE = Problem(
    status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    code="unsupported_media_type",
    title="The body must be application/json in UTF-8, not compressed.",
)
TOO_LARGE = Problem(
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    code="body_too_large",
    title=f"The body is larger than {MAX_BODY_BYTES} bytes.",
)
MALFORMED = Problem(
    status=HTTPStatus.BAD_REQUEST,
    code="malformed_body",
    title="The body is not one JSON object in UTF-8 with every name once.",
)

M = TypeVar("M", bound=BaseModel)


def read_object(request: Request) -> dict[str, Any]:
    """Returns the body's JSON object; refuses with 415, 413 or 400."""
    encoding = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or encoding != "utf-8" or "Content-Encoding" in request.headers:
        raise Refusal(UNSUPPORTED_MEDIA_TYPE)
    body = _read(request)
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates are no text
    except (ValueError, RecursionError):
        raise Refusal(MALFORMED) from None
    if not isinstance(value, dict):
        raise Refusal(MALFORMED)
    return value


def validate(model: type[M], value: dict[str, Any]) -> M:
    """Returns the value as its model; refuses with 422 naming the fields that do not fit."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        flaws = [_flaw(part["type"], part["loc"]) for part in error.errors(include_url=False)]
        raise Refusal(unprocessable(*flaws)) from None


def unprocessable(*flaws: FieldFlaw) -> Problem:
    """Returns the problem of a body that is JSON but not what the call takes."""
    return Problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="invalid_fields",
        title="Some fields are not as they must be.",
        flaws=flaws,
    )


def _read(request: Request) -> bytes:
    body = request.stream.read(MAX_BODY_BYTES + 1)
    if len(body) <= MAX_BODY_BYTES:
        return body
    drained = len(body)
    while drained < _MAX_DRAINED_BYTES and (chunk := request.stream.read(_CHUNK_BYTES)):
        drained += len(chunk)
    raise Refusal(TOO_LARGE)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _flaw(kind: str, location: tuple[int | str, ...]) -> FieldFlaw:
    code, message = _MESSAGES.get(kind, _OTHER_FLAW)
    name = str(location[0]) if location else "(body)"
    # The name of an unknown field is the sender's: repeated only if it is a name at all.
    harmless = len(name) <= 40 and name.isascii() and name.replace("_", "").isalnum()
    return FieldFlaw(field=name if harmless else "(unknown)", code=code, message=message)

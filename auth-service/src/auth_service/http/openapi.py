"""The OpenAPI 3.1 document, made from the routes and the schemas: it cannot say anything else than the code does."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from auth_service.http.problems import INTERNAL_ERROR, MEDIA_TYPE, Problem
from auth_service.http.route import Route
from auth_service.http.schemas import ProblemAnswer

_REF: Final = "#/components/schemas/{model}"


def describe(routes: Sequence[Route], *, public_url: str) -> dict[str, Any]:
    """Returns the document of these routes."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in routes:
        paths[_template(route.path)][route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Postern: the account gate",
            "version": version("postern-auth-service"),
            "description": "People register and prove their address; letters leave in the background.",
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": group} for group in dict.fromkeys(route.group for route in routes)],
        "paths": dict(paths),
        "components": {"schemas": _schemas(routes)},
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.group],
        "summary": route.summary,
        "responses": {str(route.answer.status.value): _answer(route)}
        | _problems((*route.problems, INTERNAL_ERROR)),
    }
    if route.description:
        operation["description"] = route.description
    if route.parameters:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in route.parameters.items()
        ]
    if route.bodies:
        references = [_reference(body) for body in route.bodies]
        schema = references[0] if len(references) == 1 else {"oneOf": references}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _answer(route: Route) -> dict[str, Any]:
    answer = route.answer
    schema = {"type": "string"} if answer.schema is None else _reference(answer.schema)
    return {"description": answer.description, "content": {answer.media_type: {"schema": schema}}}


def _problems(problems: Iterable[Problem]) -> dict[str, Any]:
    by_status: dict[HTTPStatus, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_status[problem.status].append(problem)
    return {
        str(status.value): {
            "description": "  \n".join(f"`{problem.code}`: {problem.title}" for problem in alike),
            "content": {MEDIA_TYPE: {"schema": _reference(ProblemAnswer)}},
        }
        for status, alike in sorted(by_status.items())
    }


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemAnswer, "serialization"): None}
    for route in routes:
        models |= {(body, "validation"): None for body in route.bodies}
        if route.answer.schema is not None:
            models[(route.answer.schema, "serialization")] = None
    _, document = models_json_schema(list(models), ref_template=_REF)
    schemas: dict[str, Any] = document["$defs"]
    return dict(sorted(schemas.items()))


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _template(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)

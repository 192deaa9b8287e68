"""The OpenAPI 3.1 document, made from the routes and the schemas: it cannot say anything else than the code does."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from auth_service.account_errors import InvalidClient
from auth_service.errors import TooBusy
from auth_service.http.oauth_schemas import OAuthErrorAnswer
from auth_service.http.origins import FOREIGN_ORIGIN
from auth_service.http.problems import INTERNAL_ERROR, MEDIA_TYPE, Problem
from auth_service.http.request_parser import WIRE_PROBLEMS
from auth_service.http.route import Route, problems_of
from auth_service.http.schemas import ProblemAnswer

_BEARER: Final = "access_token"
_APPLICATION: Final = "application"
_REF: Final = "#/components/schemas/{model}"


_OAUTH_ERRORS: Final = {
    "400": "The request isn't good, or the code or token isn't.",
    "401": "The application didn't say who it is, or it isn't true.",
}


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
            "description": (
                "People sign up and confirm their address; emails leave in the background. Answers are open: ignore "
                "fields, and take for 'not final yet' states, that you don't know; new ones are no breaking change. "
                "Requests are strict: an unknown field is refused."
            ),
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": group} for group in dict.fromkeys(route.group for route in routes)],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {
                _BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                _APPLICATION: {
                    "type": "http",
                    "scheme": "basic",
                    "description": "An application's id and secret; then `Forwarded` says for whom it calls.",
                },
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.group],
        "summary": route.summary,
        "responses": {str(route.answer.status.value): _answer(route)} | _errors(route),
    }
    if route.description:
        operation["description"] = route.description
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in route.parameters.items()
    ] + [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": query.description,
            "schema": dict(query.schema),
        }
        for name, query in route.query.items()
    ]
    if parameters:
        operation["parameters"] = parameters
    security = _security(route)
    if security:
        operation["security"] = security
    if route.bodies:
        references = [_reference(body) for body in route.bodies]
        schema = references[0] if len(references) == 1 else {"oneOf": references}
        operation["requestBody"] = {"required": True, "content": {route.encoding: {"schema": schema}}}
    return operation


def _security(route: Route) -> list[dict[str, Any]]:
    schemes: list[dict[str, Any]] = []
    if route.signed_in or route.may_be_signed_in:
        schemes.append({_BEARER: []})
    # Of other calls it is said in words alone: generators take what may be given for what has to be.
    if route.may_be_application and route.oauth_errors:
        schemes.append({_APPLICATION: []})
    return [*schemes, {}] if schemes and not route.signed_in else schemes


def _from_outside(route: Route) -> Sequence[Problem]:
    anywhere = [*WIRE_PROBLEMS, *problems_of(TooBusy)]
    if route.method != "GET":
        anywhere.append(FOREIGN_ORIGIN)
    if route.may_be_application and not route.oauth_errors:
        anywhere.extend(problems_of(InvalidClient))
    named = {problem.code for problem in route.problems}
    return [problem for problem in anywhere if problem.code not in named]


def _answer(route: Route) -> dict[str, Any]:
    answer = route.answer
    if answer.status is HTTPStatus.NO_CONTENT:
        return {"description": answer.description}
    if answer.schema is not None:
        schema: dict[str, Any] = _reference(answer.schema)
    else:
        schema = {"type": "object" if answer.media_type == "application/json" else "string"}
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


def _errors(route: Route) -> dict[str, Any]:
    errors = _problems((*route.problems, *_from_outside(route), INTERNAL_ERROR))
    for status, description in _OAUTH_ERRORS.items() if route.oauth_errors else ():
        error = errors.setdefault(status, {"description": description, "content": {}})
        error["description"] = description
        error["content"] = {"application/json": {"schema": _reference(OAuthErrorAnswer)}, **error["content"]}
    return dict(sorted(errors.items()))


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemAnswer, "serialization"): None}
    if any(route.oauth_errors for route in routes):
        models[(OAuthErrorAnswer, "serialization")] = None
    for route in routes:
        models |= {(body, "validation"): None for body in route.bodies}
        if route.answer.schema is not None:
            models[(route.answer.schema, "serialization")] = None
    _, document = models_json_schema(list(models), ref_template=_REF)
    schemas: dict[str, Any] = document["$defs"]
    strict = _reachable({body.__name__ for route in routes for body in route.bodies}, schemas)
    return {
        name: _as_taken(schema) if name in strict else _opened(schema)
        for name, schema in sorted(schemas.items())
    }


def _reachable(names: set[str], schemas: Mapping[str, Any]) -> set[str]:
    """Returns these schemas and all they refer to."""
    found: set[str] = set()
    while names:
        found |= names
        texts = [json.dumps(schemas[name]) for name in names]
        names = {name for text in texts for name in re.findall(_REF.format(model=r"([\w-]+)"), text)} - found
    return found


def _opened(schema: Any) -> Any:
    """Returns the schema of an answer as one that holds for later versions too: what is known is named, not closed."""
    if isinstance(schema, list):
        return [_opened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("properties"), dict):
        schema = _as_sent(schema)
    opened = {name: _opened(part) for name, part in schema.items() if name not in {"enum", "const"}}
    known = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(known, list):
        listed = f"Known today: {', '.join(map(str, known))}. Others may come."
        opened["description"] = " ".join(filter(None, [schema.get("description"), listed]))
        opened["examples"] = known
    return opened


def _as_taken(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a body without defaults: generators take what has one for always there."""
    if "properties" not in schema:
        return schema
    fields = schema["properties"].items()
    return schema | {"properties": {name: _without_default(field) for name, field in fields}}


def _without_default(field: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != "default"}


def _as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of an object without defaults: where None is one the field is left out, any other is always sent."""
    required = list(schema.get("required", []))
    properties = {}
    for name, field in schema["properties"].items():
        properties[name] = _without_default(field)
        if "default" in field and field["default"] is not None:
            required.append(name)
        elif "default" in field:
            (known,) = (part for part in properties[name].pop("anyOf") if part != {"type": "null"})
            properties[name] |= known
    return {**schema, "properties": properties} | ({"required": required} if required else {})


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _template(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)

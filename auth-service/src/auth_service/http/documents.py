"""① The API's description: `/openapi.json` for programs, `/docs` for people."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any

from flask import Response, request
from pydantic import BaseModel

from auth_service.account_errors import InvalidClient
from auth_service.http.openapi import describe
from auth_service.http.origins import FOREIGN_ORIGIN
from auth_service.http.pages.page import Page, Renderer
from auth_service.http.problems import ANYWHERE, Problem
from auth_service.http.request_parser import WIRE_PROBLEMS
from auth_service.http.route import FORM, Answer, Route, problems_of


class Documents:
    """The resource; its document holds its own routes too.

    It is made once, when it is first asked for: that takes tens of milliseconds, and anybody may ask.

    Args:
        public_url: where people reach the API.
        renderer: of the page.
        described: all other routes; pages are left out.
    """

    def __init__(self, *, public_url: str, renderer: Renderer, described: Sequence[Route]) -> None:
        self._public_url = public_url
        self._renderer = renderer
        self._described = [route for route in described if not route.is_page]

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="GET",
                path="/openapi.json",
                view=self.document,
                name="openapi",
                group="Description",
                summary="This description, as OpenAPI 3.1",
                answer=Answer(status=HTTPStatus.OK, description="The document."),
            ),
            Route(
                method="GET",
                path="/docs",
                view=self.page,
                name="docs",
                group="Description",
                summary="This description, to be read",
                answer=Answer(status=HTTPStatus.OK, description="A page.", media_type="text/html"),
            ),
        )

    def document(self) -> Response:
        """Returns the document."""
        return _packed(Response(self._json, content_type="application/json"))

    def page(self) -> Response:
        """Returns the same document as a page."""
        return _packed(self._renderer.render(Page(template="docs.html", locale="en", values=self._values)))

    @cached_property
    def _document(self) -> dict[str, Any]:
        return describe([*self._described, *self.routes()], public_url=self._public_url)

    @cached_property
    def _json(self) -> bytes:
        return json.dumps(self._document, ensure_ascii=False).encode("utf-8")

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {"document": self._document, "problems": self._problems(), "examples": self._examples()}

    def _problems(self) -> list[Problem]:
        named = [problem for route in self._described for problem in route.problems]
        anywhere = (*ANYWHERE, *WIRE_PROBLEMS, FOREIGN_ORIGIN, *problems_of(InvalidClient))
        by_code = {problem.code: problem for problem in (*named, *anywhere)}
        return sorted(by_code.values(), key=lambda problem: (problem.status, problem.code))

    def _examples(self) -> dict[str, str]:
        """A command for each call that takes a body, from the examples in its schemas."""
        return {
            route.name: "\n".join(self._example(route.path, body) for body in route.bodies)
            for route in self._described
            if route.bodies and route.encoding != FORM
        }

    def _example(self, path: str, body: type[BaseModel]) -> str:
        properties: dict[str, Any] = body.model_json_schema()["properties"]
        filled = {name: schema["examples"][0] for name, schema in properties.items() if "examples" in schema}
        data = json.dumps(filled, ensure_ascii=False)
        return f"curl -s {self._public_url}{path} \\\n  -H 'Content-Type: application/json' \\\n  -d '{data}'"


def _packed(response: Response) -> Response:
    """Compresses the answer for whoever takes that. No page of people's is: a secret and what a stranger chose never meet here."""
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] > 0:
        response.data = gzip.compress(response.get_data(), mtime=0)
        response.content_encoding = "gzip"
    return response

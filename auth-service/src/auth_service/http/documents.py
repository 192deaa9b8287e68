"""① The API's description: `/openapi.json` for programs, `/docs` for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response
from pydantic import BaseModel

from auth_service.http.openapi import describe
from auth_service.http.origins import FOREIGN_ORIGIN
from auth_service.http.pages.page import Page, Renderer
from auth_service.http.problems import ANYWHERE, Problem
from auth_service.http.request_parser import WIRE_PROBLEMS
from auth_service.http.route import Answer, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The resource; its document holds its own routes too."""

    public_url: str
    renderer: Renderer
    described: Sequence[Route]

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
        return Response(json.dumps(self._describe(), ensure_ascii=False), content_type="application/json")

    def page(self) -> Response:
        """Returns the same document as a page."""
        values = {"document": self._describe(), "problems": self._problems(), "examples": self._examples()}
        return self.renderer.render(Page(template="docs.html", locale="en", values=values))

    def _describe(self) -> dict[str, Any]:
        return describe([*self.described, *self.routes()], public_url=self.public_url)

    def _problems(self) -> list[Problem]:
        named = [problem for route in self.described for problem in route.problems]
        by_code = {problem.code: problem for problem in (*named, *ANYWHERE, *WIRE_PROBLEMS, FOREIGN_ORIGIN)}
        return sorted(by_code.values(), key=lambda problem: (problem.status, problem.code))

    def _examples(self) -> dict[str, str]:
        """A command for each call that takes a body, from the examples in its schemas."""
        return {
            route.name: "\n".join(self._example(route.path, body) for body in route.bodies)
            for route in self.described
            if route.bodies
        }

    def _example(self, path: str, body: type[BaseModel]) -> str:
        properties: dict[str, Any] = body.model_json_schema()["properties"]
        filled = {name: schema["examples"][0] for name, schema in properties.items() if "examples" in schema}
        data = json.dumps(filled, ensure_ascii=False)
        return f"curl -s {self.public_url}{path} \\\n  -H 'Content-Type: application/json' \\\n  -d '{data}'"

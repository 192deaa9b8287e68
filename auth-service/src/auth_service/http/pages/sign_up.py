"""① `/signup`, `/verify`, `/refuse` and `/signin`. GET only shows; whatever changes something is posted by a person's press of a button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Response, request

from auth_service.domain.password_policy import MAX_LENGTH, MIN_LENGTH
from auth_service.http.pages.catalogue import LANGUAGES
from auth_service.http.pages.page import Page, Renderer
from auth_service.http.route import Answer, Route

_HTML = Answer(status=HTTPStatus.OK, description="A page.", media_type="text/html")
_ELSEWHERE = Answer(status=HTTPStatus.SEE_OTHER, description="To /signup.", media_type="text/plain")

_PAGES = (
    ("signup", "Form to register, and the email's delivery status afterwards"),
    (
        "verify",
        "Where the link in the email leads; the token stays in the fragment, which no server sees",
    ),
    ("refuse", 'Where "This wasn\'t me" in the email leads; its token stays in the fragment too'),
    ("signin", "Where to sign in, for whoever has an account"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpPages:
    """The pages of signing up.

    Attributes:
        renderer: of pages.
        sign_in_url: where people sign in; empty for our own page about it.
    """

    renderer: Renderer
    sign_in_url: str = ""

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        home = Route(
            method="GET",
            path="/",
            view=self.home,
            name="home_page",
            group="Pages",
            summary="Leads to /signup",
            answer=_ELSEWHERE,
        )
        pages = (
            Route(
                method="GET",
                path=f"/{name}",
                view=self._view(name),
                name=f"{name}_page",
                group="Pages",
                summary=summary,
                answer=_HTML,
            )
            for name, summary in _PAGES
        )
        return (home, *pages)

    def home(self) -> Response:
        """Redirects."""
        location = f"{self.renderer.base}/signup"
        return Response(
            status=HTTPStatus.SEE_OTHER, headers={"Location": location}, content_type="text/plain"
        )

    def _view(self, name: str) -> Callable[[], Response]:
        def show() -> Response:
            locale = _locale()
            own = f"{self.renderer.base}/signin?{urlencode({'lang': locale})}"
            values = {
                "policy": {"min": MIN_LENGTH, "max": MAX_LENGTH},
                "sign_in": self.sign_in_url or own,
            }
            return self.renderer.render(Page(template=f"{name}.html", locale=locale, values=values))

        return show


def _locale() -> str:
    """The language asked for by `?lang=`, else the browser's, else English."""
    asked = request.args.get("lang", "").partition("-")[0].lower()
    return asked if asked in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES), default="en")

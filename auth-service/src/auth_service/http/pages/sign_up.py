"""① `/signup` and `/verify`. GET only shows; whatever changes something is posted by a person's press of a button."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from auth_service.domain.password_policy import MAX_LENGTH, MIN_LENGTH
from auth_service.http.pages.catalogue import LANGUAGES
from auth_service.http.pages.page import Page, Renderer
from auth_service.http.route import Answer, Route

_HTML = Answer(status=HTTPStatus.OK, description="A page.", media_type="text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpPages:
    """The pages of signing up."""

    renderer: Renderer

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            Route(
                method="GET",
                path="/",
                view=self.home,
                name="home_page",
                group="Pages",
                summary="Leads to /signup",
                answer=Answer(
                    status=HTTPStatus.SEE_OTHER, description="To /signup.", media_type="text/plain"
                ),
            ),
            Route(
                method="GET",
                path="/signup",
                view=self.sign_up,
                name="sign_up_page",
                group="Pages",
                summary="Form to register, and the letter's way afterwards",
                answer=_HTML,
            ),
            Route(
                method="GET",
                path="/verify",
                view=self.verify,
                name="verify_page",
                group="Pages",
                summary="Where the letter's link leads; the token stays in the fragment, which no server sees",
                answer=_HTML,
            ),
        )

    def home(self) -> Response:
        """Redirects."""
        return Response(
            status=HTTPStatus.SEE_OTHER, headers={"Location": "/signup"}, content_type="text/plain"
        )

    def sign_up(self) -> Response:
        """Shows the form."""
        values = {"min_length": MIN_LENGTH, "max_length": MAX_LENGTH}
        return self.renderer.render(Page(template="signup.html", locale=_locale(), values=values))

    def verify(self) -> Response:
        """Shows the button."""
        return self.renderer.render(Page(template="verify.html", locale=_locale()))


def _locale() -> str:
    """The language asked for by `?lang=`, else the browser's, else English."""
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES), default="en")

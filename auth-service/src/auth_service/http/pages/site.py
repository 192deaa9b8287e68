"""① What all pages with forms share: the language asked for, the form's token, and what becomes of a form that is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, request

from auth_service.domain.application import Applications
from auth_service.domain.password_policy import MAX_LENGTH, MIN_LENGTH
from auth_service.errors import RequestError
from auth_service.http.pages.catalogue import LANGUAGES, texts_in
from auth_service.http.pages.form import Form, read_form
from auth_service.http.pages.form_tokens import FIELD, FormTokens
from auth_service.http.pages.page import Page, Renderer
from auth_service.http.pages.way_home import checked, client_of, kept_way
from auth_service.http.pages.wording import Trouble, sentence
from auth_service.http.problems import Problem, Refusal, problem_of_flow
from auth_service.http.route import Answer, Route

_PAGE = Answer(status=HTTPStatus.OK, description="A page.", media_type="text/html")
FINE: Final = Trouble()
"""Of a form that nobody sent yet."""

View = Callable[[], Response]

LINK_FIELDS: Final = {
    "token": "token",
    **dict.fromkeys(("unknown_link", "used_link", "expired_link", "void_link", "replaced_link"), "token"),
}
"""What is wrong with a link is said where it is pasted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Shows pages and takes their forms.

    Attributes:
        renderer: of pages.
        tokens: of forms.
        applications: whose people come here.
        sign_in_url: where people sign in; empty for our own page.
    """

    renderer: Renderer
    tokens: FormTokens
    applications: Applications
    sign_in_url: str = ""

    def show(
        self,
        template: str,
        *,
        trouble: Trouble = FINE,
        session: str | None = None,
        forms_lead_to: str = "",
        **values: Any,
    ) -> Response:
        """Returns a page in the language asked for.

        Args:
            template: a file in `templates/`.
            trouble: why its form comes back.
            session: the session's cookie that goes along with the page, if it is another one than the browser sent.
            forms_lead_to: a scheme to which what answers its form may lead; empty for none but our own pages.
            values: for the template.
        """
        browser, locale = self.tokens.browser(), asked_language()
        shared = {
            "form_token": self.tokens.token_for(browser, session),
            "policy": {"min": MIN_LENGTH, "max": MAX_LENGTH},
            "sign_in": self.sign_in,
            "trouble": trouble,
            "no_trouble": FINE,
            "way_on": checked(request.args.get("continue", "")),
        }
        way = str(values.get("way_on") or shared["way_on"]) or kept_way()
        application = self.applications.get(client_of(way))
        shared["client_id"] = "" if application is None else application.id
        brand = None if application is None else application.brand
        page = Page(
            template=template,
            locale=locale,
            values=shared | values,
            brand=brand,
            forms_lead_to=forms_lead_to,
        )
        response = self.renderer.render(page)
        self.tokens.issue(response, browser)
        return response

    def say(
        self,
        title: str,
        lead: str,
        *,
        address: str = "",
        more: str = "",
        good: bool = True,
        button: tuple[str, str] | None = None,
    ) -> Response:
        """Returns a page that says what was done.

        Args:
            title: its heading.
            lead: the sentence below.
            address: it is about, if any.
            more: another sentence.
            good: whether it is what the person wanted.
            button: its words, and where it leads; to signing in if left out.
        """
        text, href = button or (asked_texts()["sign_in"], self.sign_in)
        return self.show(
            "message.html",
            title=title,
            lead=lead,
            address=address,
            more=more,
            good=good,
            button={"text": text, "href": href},
        )

    def take(
        self, work: Callable[[Form], Response], *, again: Callable[[Form, Problem], Response]
    ) -> Response:
        """Does what the form in hand asks for.

        Args:
            work: does it; what it raises is shown.
            again: shows the form once more, with what is wrong.
        """
        form = read_form(request)
        try:
            self.tokens.check(form[FIELD])
            return work(form)
        except Refusal as refusal:
            problem = refusal.problem
        except RequestError as error:
            problem = problem_of_flow(error)
        response = self.explained(lambda: again(form, problem))
        if response.status_code == HTTPStatus.OK:
            response.status_code = problem.status
            response.headers.update(problem.headers)
        return response

    def explained(self, work: View) -> Response:
        """Returns what the work answers, or a page that says why it cannot."""
        try:
            return work()
        except RequestError as error:
            problem, texts = problem_of_flow(error), asked_texts()
            asked = {name: value for name, value in request.args.items() if name != "lang"}
            button = (texts["try_again"], self.own_address(request.path, **asked))
            response = self.say(texts["error_title"], sentence(problem, texts), good=False, button=button)
            response.status_code = problem.status
            response.headers.update(problem.headers)
            return response

    @property
    def sign_in(self) -> str:
        """Where people sign in."""
        return self.sign_in_url or self.own_address("/signin")

    def own_address(self, path: str, **query: str) -> str:
        """Returns the address of a page of ours, in the language of this one."""
        return f"{self.renderer.base}{path}?{urlencode({'lang': asked_language(), **query})}"

    def lead_to(self, address: str) -> Response:
        """Returns a redirect to a page, to be asked for with GET."""
        return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address}, content_type="text/plain")


def page_at(path: str, view: View, name: str) -> Route:
    """Returns the route of a page."""
    return Route(
        method="GET", path=path, view=view, name=name, group="Pages", summary=name, answer=_PAGE, is_page=True
    )


def form_to(path: str, view: View, name: str) -> Route:
    """Returns the route that a page's form is sent to."""
    return Route(
        method="POST",
        path=path,
        view=view,
        name=name,
        group="Pages",
        summary=name,
        answer=_PAGE,
        is_page=True,
    )


def asked_language() -> str:
    """Returns the language asked for by `?lang=`, or by an application in `ui_locales`, else the browser's, else English."""
    asked = request.args.get("lang") or request.args.get("ui_locales", "").partition(" ")[0]
    asked = asked.partition("-")[0].lower()
    return asked if asked in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES), default="en")


def asked_texts() -> Mapping[str, Any]:
    """Returns all texts of that language."""
    return texts_in(asked_language())

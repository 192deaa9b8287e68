"""① `/refuse`: "This wasn't me", for whoever reads the mailbox and did not sign up. GET only shows."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response

from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import LINK_FIELDS, Site, asked_texts, form_to, page_at
from auth_service.http.pages.wording import describe
from auth_service.http.problems import Problem
from auth_service.http.refusals import Refusals
from auth_service.http.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusePages:
    """The pages of refusing a registration."""

    site: Site
    refusals: Refusals

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/refuse", self.show, "refuse_page"),
            form_to("/refuse", self.post, "refuse_form"),
            form_to("/refuse/lift", self.post_lift, "lift_form"),
        )

    def show(self) -> Response:
        """Shows the form for the link; the script shows the button where there is a token."""
        return self.site.show("refuse.html")

    def post(self) -> Response:
        """Refuses."""
        return self.site.take(self._refuse, again=self._show_again)

    def post_lift(self) -> Response:
        """Takes it back."""
        return self.site.take(self._lift, again=self._show_again)

    def _refuse(self, form: Form) -> Response:
        required(form, "token")
        self.refusals.take({"token": form.token})
        return self.site.show("refused.html", token=form.token)

    def _lift(self, form: Form) -> Response:
        self.refusals.take_lift({"token": form.token})
        texts = asked_texts()["refuse"]
        button = (texts["sign_up"], self.site.own_address("/signup"))
        return self.site.say(texts["lifted_title"], texts["lifted_lead"], good=False, button=button)

    def _show_again(self, _: Form, problem: Problem) -> Response:
        return self.site.show("refuse.html", trouble=describe(problem, asked_texts(), fields=LINK_FIELDS))

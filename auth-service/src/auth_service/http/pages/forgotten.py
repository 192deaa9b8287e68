"""① `/forgot` and `/reset`: another password for whoever reads the mailbox. Whether there is an account shows nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import LINK_FIELDS, Site, asked_texts, form_to, page_at
from auth_service.http.pages.wording import describe
from auth_service.http.password_resets import PasswordResets
from auth_service.http.problems import Problem
from auth_service.http.route import Route

_FIELDS: Final = {**LINK_FIELDS, "password": "password"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenPages:
    """The pages of a forgotten password."""

    site: Site
    resets: PasswordResets

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/forgot", self.show, "forgot_page"),
            form_to("/forgot", self.post, "forgot_form"),
            page_at("/reset", self.show_reset, "reset_page"),
            form_to("/reset", self.post_reset, "reset_form"),
        )

    def show(self) -> Response:
        """Shows the form for the address."""
        return self.site.show("forgot.html", typed="")

    def post(self) -> Response:
        """Sends the email."""
        return self.site.take(self._send, again=self._show_again)

    def show_reset(self) -> Response:
        """Shows the form for the new password; the script puts the link's token into it."""
        return self.site.show("reset.html", token="")

    def post_reset(self) -> Response:
        """Sets the password."""
        return self.site.take(self._reset, again=self._show_reset_again)

    def _send(self, form: Form) -> Response:
        required(form, "email")
        address = form.trimmed("email")
        self.resets.take({"email": address})
        return self.site.show("link_sent.html", address=address, by_code=False, way_on="")

    def _reset(self, form: Form) -> Response:
        required(form, "token", "password")
        self.resets.take_confirm({"token": form.token, "password": form["password"]})
        words = asked_texts()["reset"]
        return self.site.say(words["done_title"], words["done_lead"])

    def _show_again(self, form: Form, problem: Problem) -> Response:
        trouble = describe(problem, asked_texts(), fields={"email": "email"})
        return self.site.show("forgot.html", trouble=trouble, typed=form.trimmed("email"))

    def _show_reset_again(self, form: Form, problem: Problem) -> Response:
        trouble = describe(problem, asked_texts(), of="reset", fields=_FIELDS)
        # A link that is good for nothing is asked for again; one that may be good goes on with the page.
        token = "" if "token" in trouble.flaws else form.token
        return self.site.show("reset.html", trouble=trouble, token=token)

"""① `/verify`: where an email's link leads. GET only shows; a person presses the button.

The link's token is in the fragment, which no server sees: without scripts the code is typed here, or the link pasted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

from auth_service.errors import PasswordNeeded
from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import FINE, LINK_FIELDS, Site, asked_texts, form_to, page_at
from auth_service.http.pages.wording import describe
from auth_service.http.problems import Problem
from auth_service.http.route import Route
from auth_service.http.statuses import code_of
from auth_service.http.verifications import Verifications

_USED: Final = frozenset({"used_link", "already_confirmed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPages:
    """The pages of proving an address."""

    site: Site
    verifications: Verifications

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/verify", self.show, "verify_page"),
            form_to("/verify", self.post, "verify_form"),
        )

    def show(self) -> Response:
        """Shows the form for the code; the script shows the button where there is a token."""
        return self.site.show("verify.html", typed="", registration_secret="")

    def post(self) -> Response:
        """Verifies."""
        return self.site.take(self._verify, again=self._show_again)

    def _verify(self, form: Form) -> Response:
        if "token" in form:
            required(form, "token")
            body = {"token": form.token}
        else:
            required(form, "email", "code")
            body = {"email": form.trimmed("email"), "code": form.code}
        if "password" in form:
            required(form, "password")
        seconds = {name: form[name] for name in ("password", "registration_secret") if form[name]}
        verified = self.verifications.take({**body, **seconds})
        said = asked_texts()["done"]
        return self.site.say(said["title"], said["lead"], address=verified.email)

    def _show_again(self, form: Form, problem: Problem) -> Response:
        texts = asked_texts()
        if problem.code in _USED:
            return self.site.say(
                texts["verify"]["used_title"], texts["problems"]["already_confirmed"], good=False
            )
        choosing = problem.code == code_of(PasswordNeeded)
        fields = {"email": "email", "code": "code", "refused_code": "code"}
        if "token" in form:
            fields = LINK_FIELDS
        password = describe(problem, texts, fields={"password": "password"})
        if choosing or password.flaws:
            kept = {"email": form.trimmed("email"), "code": form["code"], "token": form.token}
            trouble = FINE if choosing else password
            return self.site.show("verify_choose.html", trouble=trouble, kept=kept)
        return self.site.show(
            "verify.html",
            trouble=describe(problem, texts, fields=fields),
            typed=form.trimmed("email"),
            registration_secret=form["registration_secret"],
        )

"""① `/confirm-email` and `/revert-email`: where the emails about another address lead. GET only shows; a person presses the button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

from auth_service.account_errors import SignInNeeded, WrongPassword
from auth_service.http.email_changes import EmailChanges
from auth_service.http.pages.browser_session import BrowserSession
from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import FINE, LINK_FIELDS, Site, asked_texts, form_to, page_at
from auth_service.http.pages.wording import Trouble, describe
from auth_service.http.problems import Problem
from auth_service.http.route import Route
from auth_service.http.statuses import code_of

_CONFIRM: Final = "confirm_email"
_REVERT: Final = "revert_email"
_SIGN_IN_NEEDED: Final = code_of(SignInNeeded)
_CONFIRM_FIELDS: Final = {**LINK_FIELDS, "password": "password", code_of(WrongPassword): "password"}
_LONGEST: Final = 320
"""Of the account's masked address, which the form brings back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangePages:
    """The pages behind those two links."""

    site: Site
    changes: EmailChanges
    browser: BrowserSession

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/confirm-email", self.show_confirm, "confirm_email_page"),
            form_to("/confirm-email", self.post_confirm, "confirm_email_form"),
            page_at("/revert-email", self.show_revert, "revert_email_page"),
            form_to("/revert-email", self.post_revert, "revert_email_form"),
        )

    def show_confirm(self) -> Response:
        """Shows the button that confirms."""
        return self._show(_CONFIRM, FINE)

    def post_confirm(self) -> Response:
        """Confirms: by one press in a browser that is signed in to the account, else by the account's password."""
        return self.site.take(self._confirm, again=self._show_confirm_again)

    def show_revert(self) -> Response:
        """Shows the button that takes the change back."""
        return self._show(_REVERT, FINE)

    def post_revert(self) -> Response:
        """Takes it back."""
        return self.site.take(self._revert, again=self._show_revert_again)

    def _confirm(self, form: Form) -> Response:
        required(form, "token", *(["password"] if "password" in form else []))
        body = {"token": form.token}
        if "password" in form:
            body["password"] = form["password"]
        return self._done(_CONFIRM, self.changes.take_confirm(self.browser.find(), body))

    def _revert(self, form: Form) -> Response:
        required(form, "token")
        return self._done(_REVERT, self.changes.take_revert({"token": form.token}))

    def _done(self, kind: str, address: str) -> Response:
        words = asked_texts()[kind]
        return self.site.say(words["done_title"], words["done_lead"], address=address)

    def _show_confirm_again(self, form: Form, problem: Problem) -> Response:
        trouble = FINE
        if problem.code != _SIGN_IN_NEEDED:
            trouble = describe(problem, asked_texts(), of=_CONFIRM, fields=_CONFIRM_FIELDS)
        asked_by = problem.more.get("asked_by") or form["asked_by"]
        if not asked_by or "token" in trouble.flaws:
            return self._show(_CONFIRM, trouble)
        return self.site.show(
            "confirm_email.html", trouble=trouble, token=form.token, asked_by=asked_by[:_LONGEST]
        )

    def _show_revert_again(self, _: Form, problem: Problem) -> Response:
        return self._show(_REVERT, describe(problem, asked_texts(), of=_REVERT, fields=LINK_FIELDS))

    def _show(self, kind: str, trouble: Trouble) -> Response:
        path = f"/{kind.replace('_', '-')}"
        return self.site.show("link.html", trouble=trouble, words=asked_texts()[kind], path=path)

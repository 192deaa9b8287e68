"""① The forms of `/account`: each proves its token, then the person where that is asked for, and calls what the API calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from flask import Response

from auth_service.account_errors import NotSignedIn, UnknownSession
from auth_service.flows.authenticate import SignedIn
from auth_service.http.account import OwnAccount
from auth_service.http.email_changes import EmailChanges
from auth_service.http.pages.account import AccountPage, Failure
from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import View, asked_texts, form_to
from auth_service.http.pages.wording import describe
from auth_service.http.problems import Problem
from auth_service.http.route import Route
from auth_service.http.sign_ins import SignIns
from auth_service.http.statuses import code_of

_FIELDS: Final = {
    "email": "email",
    "current_password": "current_password",
    "password": "password",
    "wrong_password": "current_password",
    "current_password_needed": "current_password",
    "recent_sign_in_needed": "current_password",
}
_DELETE_FIELDS: Final = {**_FIELDS, "password": "current_password"}
_NOT_SIGNED_IN: Final = code_of(NotSignedIn)

Change = Callable[[SignedIn, Form], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountForms:
    """What a signed-in person changes."""

    page: AccountPage
    account: OwnAccount
    changes: EmailChanges
    sign_ins: SignIns

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            form_to("/account/language", self._taking("language", self._language), "language_form"),
            form_to("/account/password", self._taking("password", self._password), "password_form"),
            form_to("/account/email", self._taking("email", self._email), "email_form"),
            form_to("/account/sessions/end", self._taking("", self._end), "end_session_form"),
            form_to("/account/sessions/end-others", self._taking("", self._end_others), "end_sessions_form"),
            form_to("/account/delete", self._taking("delete", self._delete, _DELETE_FIELDS), "delete_form"),
        )

    def _language(self, signed_in: SignedIn, form: Form) -> Response:
        self.account.take(signed_in, {"locale": form["locale"]})
        return self._saved("language")

    def _password(self, signed_in: SignedIn, form: Form) -> Response:
        body = _filled(form, "current_password", "password")
        self.account.take_password(signed_in, body)
        return self.page.browser.renew(self._saved("password"))

    def _email(self, signed_in: SignedIn, form: Form) -> Response:
        required(form, "email")
        self.changes.take(self._proved(signed_in, form), {"email": form.trimmed("email")})
        saved = self._saved("email")
        return self.page.browser.renew(saved) if "current_password" in form else saved

    def _end(self, signed_in: SignedIn, form: Form) -> Response:
        try:
            session_id = UUID(form["session"])
        except ValueError:
            raise UnknownSession from None
        self.page.manage.end(signed_in, session_id)
        return self._saved("session")

    def _end_others(self, signed_in: SignedIn, _: Form) -> Response:
        self.page.manage.end_all(signed_in, but_this=True)
        return self._saved("sessions")

    def _delete(self, signed_in: SignedIn, form: Form) -> Response:
        body = {"password": form["current_password"]} if form["current_password"] else {}
        self.account.take_deletion(signed_in, body)
        words, site = asked_texts()["account"], self.page.site
        button = (asked_texts()["signup"]["title"], site.own_address("/signup"))
        return self.page.browser.forget(
            site.say(words["deleted_title"], words["deleted_lead"], good=False, button=button)
        )

    def _proved(self, signed_in: SignedIn, form: Form) -> SignedIn:
        """Returns who is signed in after they proved once more who they are, if they typed their password."""
        if "current_password" not in form:
            return signed_in
        required(form, "current_password")
        self.sign_ins.take_again(signed_in, {"password": form["current_password"]})
        return self.page.signed_in()

    def _saved(self, what: str) -> Response:
        site = self.page.site
        return site.lead_to(site.own_address("/account", saved=what))

    def _taking(self, name: str, change: Change, fields: Mapping[str, str] = _FIELDS) -> View:
        def work(form: Form) -> Response:
            return change(self.page.signed_in(), form)

        def again(form: Form, problem: Problem) -> Response:
            if problem.code == _NOT_SIGNED_IN:
                return self.page.lead_to_sign_in()
            trouble = describe(problem, asked_texts(), of="account", fields=fields)
            failure = Failure(form=name, trouble=trouble, typed=form.trimmed("email"))
            return self.page.show(self.page.signed_in(), failure)

        return lambda: self.page.site.take(work, again=again)


def _filled(form: Form, *names: str) -> dict[str, str]:
    """Returns these fields; refuses a form that has one of them with nothing in it."""
    required(form, *(name for name in names if name in form))
    return {name: form[name] for name in names if name in form}

"""① `/signin`, `/signin-link` and signing out. What is wrong with a sign-in is said alike to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request

from auth_service.errors import ProofRequired
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.read_account import ReadAccount
from auth_service.flows.sessions import Grant
from auth_service.http.pages.browser_session import BrowserSession
from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import FINE, LINK_FIELDS, Site, asked_texts, form_to, page_at
from auth_service.http.pages.way_home import checked, kept_way, leads_home
from auth_service.http.pages.way_on import ASKING, FIELD, address_of, lead_on
from auth_service.http.pages.wording import Trouble, describe
from auth_service.http.problems import Problem
from auth_service.http.route import Route
from auth_service.http.sign_in_links import SignInLinks
from auth_service.http.sign_ins import SignIns
from auth_service.http.statuses import code_of

_FIELDS: Final = {"email": "email", "password": "password"}
_LINK_FIELDS: Final = {
    "email": "email",
    "code": "code",
    "refused_code": "code",
    **LINK_FIELDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPages:
    """The pages of signing in and out."""

    site: Site
    browser: BrowserSession
    read: ReadAccount
    sign_ins: SignIns
    links: SignInLinks

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/signin", self.show, "signin_page"),
            form_to("/signin", self.post, "signin_form"),
            form_to("/signin-link/send", self.post_send, "send_link_form"),
            page_at("/signin-link", self.show_link, "signin_link_page"),
            form_to("/signin-link", self.post_link, "signin_link_form"),
            form_to("/signout", self.post_sign_out, "signout_form"),
        )

    def show(self) -> Response:
        """Shows the form; whoever is signed in is led on."""
        return self.site.explained(self._show)

    def post(self) -> Response:
        """Signs in with a password."""
        return self.site.take(self._sign_in, again=self._show_again)

    def post_send(self) -> Response:
        """Sends an email with a link and a code, if there is an account; shows the same if not."""
        return self.site.take(self._send, again=self._show_again)

    def show_link(self) -> Response:
        """Shows the form for the code; the script shows the button where there is a token."""
        return self.site.show("signin_link.html", typed="")

    def post_link(self) -> Response:
        """Signs in by link or code."""
        return self.site.take(self._by_link, again=self._show_link_again)

    def post_sign_out(self) -> Response:
        """Signs out."""
        return self.site.take(self._sign_out, again=self._show_again)

    def _show(self) -> Response:
        way_on = checked(request.args.get(FIELD, ""))
        signed_in = None if "again" in request.args else self.browser.find()
        if signed_in is not None and ASKING in request.args and leads_home(way_on):
            return self._ask(signed_in, way_on)
        if signed_in is not None:
            return self.site.lead_to(address_of(self.site, way_on))
        return self._form(way_on=way_on, signed_out="out" in request.args)

    def _ask(self, signed_in: SignedIn, way_on: str) -> Response:
        return self.site.show(
            "continue_as.html",
            way_on=way_on,
            email=self.read(signed_in.session.account_id).account.email,
            address=address_of(self.site, way_on),
            other=self.site.own_address("/signin", **{FIELD: way_on}, again="1"),
        )

    def _sign_in(self, form: Form) -> Response:
        required(form, "email", "password")
        body = {"email": form.trimmed("email"), "password": form["password"]}
        if form["proof"]:
            body["proof"] = form["proof"]
        grant, short = self.sign_ins.take(body)
        if not short or form[FIELD] or kept_way():
            return self._lead_on(grant, form)
        # An imported one: it opens the door, and is asked to grow behind it.
        to_account = self.site.lead_to(self.site.own_address("/account", saved="short"))
        return self.browser.keep(to_account, grant)

    def _send(self, form: Form) -> Response:
        required(form, "email")
        self.links.take({"email": form.trimmed("email")})
        return self._sent(form)

    def _by_link(self, form: Form) -> Response:
        if "token" in form:
            required(form, "token")
            return self._lead_on(self.links.take_confirm({"token": form.token}), form, asking=True)
        required(form, "email", "code")
        grant = self.links.take_confirm({"email": form.trimmed("email"), "code": form.code})
        return self._lead_on(grant, form, asking=not form[FIELD])

    def _sign_out(self, _: Form) -> Response:
        return self.browser.end(self.site.lead_to(self.site.own_address("/signin", out="1")))

    def _lead_on(self, grant: Grant, form: Form, *, asking: bool = False) -> Response:
        response = lead_on(self.site, form[FIELD], session=grant.refresh_token.text, asking=asking)
        return self.browser.keep(response, grant)

    def _form(
        self,
        *,
        way_on: str,
        trouble: Trouble = FINE,
        typed: str = "",
        signed_out: bool = False,
        challenge: Any = None,
    ) -> Response:
        return self.site.show(
            "signin.html",
            trouble=trouble,
            typed=typed,
            way_on=way_on,
            signed_out=signed_out,
            challenge=challenge,
        )

    def _sent(self, form: Form, trouble: Trouble = FINE) -> Response:
        address, way_on = form.trimmed("email"), checked(form[FIELD])
        return self.site.show("link_sent.html", trouble=trouble, address=address, by_code=True, way_on=way_on)

    def _show_again(self, form: Form, problem: Problem) -> Response:
        return self._form(
            trouble=describe(problem, asked_texts(), of="signin", fields=_FIELDS),
            typed=form.trimmed("email"),
            way_on=checked(form[FIELD]),
            challenge=problem.more["challenge"] if problem.code == code_of(ProofRequired) else None,
        )

    def _show_link_again(self, form: Form, problem: Problem) -> Response:
        trouble = describe(problem, asked_texts(), of="signin_link", fields=_LINK_FIELDS)
        if "sent" in form:  # typed below "Check your email"
            return self._sent(form, trouble)
        return self.site.show("signin_link.html", trouble=trouble, typed=form.trimmed("email"))

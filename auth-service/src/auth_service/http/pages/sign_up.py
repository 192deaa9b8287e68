"""① `/signup`: with scripts, the page asks the API itself; without, its form comes here.

Then what is known so far goes along in hidden fields, from form to form, since nothing of it may be in an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

from auth_service.domain.receipt import ReceiptState
from auth_service.errors import RequestError
from auth_service.flows.read_receipt import ReadReceipt
from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import FINE, Site, asked_language, asked_texts, form_to, page_at
from auth_service.http.pages.wording import describe
from auth_service.http.problems import Problem
from auth_service.http.registrations import Registrations
from auth_service.http.route import Route
from auth_service.security.secrets import Secret

_NO_CODE_COMES: Final = frozenset({ReceiptState.FAILED, ReceiptState.SUPPRESSED, ReceiptState.EXPIRED})
_KEPT: Final = ("email", "receipt", "registration_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpPages:
    """The pages up to "Check your email"."""

    site: Site
    registrations: Registrations
    read_receipt: ReadReceipt

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/", self.home, "home_page"),
            page_at("/signup", self.show, "signup_page"),
            form_to("/signup", self.post, "signup_form"),
            form_to("/signup/status", self.post_status, "signup_status_form"),
            form_to("/signup/resend", self.post_resend, "signup_resend_form"),
        )

    def home(self) -> Response:
        """Redirects."""
        return self.site.lead_to(f"{self.site.renderer.base}/signup")

    def show(self) -> Response:
        """Shows the form."""
        return self.site.show("signup.html", typed="")

    def post(self) -> Response:
        """Registers."""
        return self.site.take(self._register, again=self._show_again)

    def post_status(self) -> Response:
        """Shows what became of the email by now."""
        return self.site.take(self._sent, again=self._show_again)

    def post_resend(self) -> Response:
        """Sends the email again."""
        return self.site.take(self._resend, again=self._still_sent)

    def _register(self, form: Form) -> Response:
        required(form, "email", "password")
        body = {
            "email": form.trimmed("email"),
            "password": form["password"],
            "locale": asked_language(),
        }
        if form["client_id"]:
            body["client_id"] = form["client_id"]
        registered = self.registrations.take(body)
        kept = (body["email"], registered.receipt.text, registered.secret.text)
        return self._sent(Form(dict(zip(_KEPT, kept, strict=True))))

    def _resend(self, form: Form) -> Response:
        resent = self.registrations.take_resend({"registration_secret": form["registration_secret"]})
        return self._sent(Form({**form.values, "receipt": resent.receipt.text}), again=True)

    def _sent(self, form: Form, problem: Problem | None = None, *, again: bool = False) -> Response:
        texts = asked_texts()
        progress = self.read_receipt(Secret(form["receipt"]))
        if progress.state is ReceiptState.CONFIRMED:
            said = texts["done"]
            return self.site.say(said["title"], said["elsewhere"], address=form["email"])
        return self.site.show(
            "signup_sent.html",
            trouble=FINE if problem is None else describe(problem, texts, fields={}),
            kept={name: form[name] for name in _KEPT},
            timeline=[step for step in progress.timeline if step.state in texts["states"]],
            ended=texts["ended"].get(progress.state),
            takes_code=progress.state not in _NO_CODE_COMES,
            again=again,
        )

    def _still_sent(self, form: Form, problem: Problem) -> Response:
        try:
            return self._sent(form, problem)
        except RequestError:
            return self._show_again(form, problem)

    def _show_again(self, form: Form, problem: Problem) -> Response:
        fields = {"email": "email", "password": "password"}
        trouble = describe(problem, asked_texts(), of="signup", fields=fields)
        return self.site.show("signup.html", trouble=trouble, typed=form.trimmed("email"))

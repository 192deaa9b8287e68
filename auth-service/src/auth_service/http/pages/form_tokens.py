"""① Is this form one of ours? It holds a token that only the browser it was made for can send back with its cookie.

The cookie is random and its name keeps other hosts from setting it (`__Host-`); the token is a keyed hash of it and of the session,
so that neither can be made from the other, and a form outlives no sign-in (the "signed double-submit cookie" of OWASP's cheat sheet).
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response, request

from auth_service.http.problems import Problem, Refusal
from auth_service.http.set_cookie import set_cookie
from auth_service.security.secrets import KeyedHash, Secret

FORM_COOKIE: Final = "__Host-postern-form"
SESSION_COOKIE: Final = "__Host-postern"
FIELD: Final = "form_token"
"""Of every form."""

STALE_FORM: Final = Problem(
    status=HTTPStatus.FORBIDDEN,
    code="stale_form",
    title="This page was open for too long.",
    detail="Try again; allow cookies for this site if it goes on.",
)
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTokens:
    """Makes and checks the tokens of forms.

    Attributes:
        keyed_hash: makes them.
    """

    keyed_hash: KeyedHash

    def issue(self, response: Response, browser: Secret) -> None:
        """Has the browser keep what its forms' tokens belong to, unless it has it."""
        if _kept() != browser:
            set_cookie(response, FORM_COOKIE, browser.text)

    def browser(self) -> Secret:
        """Returns what the browser keeps, or a new one."""
        return _kept() or Secret.new()

    def token_for(self, browser: Secret, session: str | None = None) -> str:
        """Returns the token of forms that go to this browser.

        Args:
            browser: what it keeps.
            session: its session's cookie from now on; as it sent it if left out.
        """
        return self.keyed_hash.form_token(browser, _session() if session is None else session)

    def check(self, token: str) -> None:
        """Refuses a form that was not made for the browser that sends it."""
        browser = _kept()
        if browser is None or not hmac.compare_digest(self.token_for(browser).encode(), token.encode()):
            raise Refusal(STALE_FORM)


def _kept() -> Secret | None:
    text = request.cookies.get(FORM_COOKIE, "")
    return Secret(text) if _SECRET.fullmatch(text) else None


def _session() -> str:
    return request.cookies.get(SESSION_COOKIE, "")

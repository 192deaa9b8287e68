"""① The session of a browser: a cookie with a secret that is looked up at each request, another one after each sign-in."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from flask import Response, request

from auth_service.domain.session import OWN_CLIENT, Lifetimes
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.continue_session import ContinueSession
from auth_service.flows.sessions import Grant, Sessions
from auth_service.http.pages.form_tokens import SESSION_COOKIE
from auth_service.http.set_cookie import forget_cookie, set_cookie
from auth_service.http.sources import Sources
from auth_service.security.secrets import MAX_SECRET_LENGTH, Secret

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """Finds, keeps and ends the session of the browser that asks.

    Attributes:
        resume: finds it.
        sessions: ends it.
        sources: says where the request came from.
        lifetimes: how long the browser keeps its cookie; whether it opens anything is ours to say.
    """

    resume: ContinueSession
    sessions: Sessions
    sources: Sources
    lifetimes: Lifetimes

    def find(self) -> SignedIn | None:
        """Returns who is signed in, if anybody; raises DatabaseUnavailable."""
        token = _token()
        return None if token is None else self.resume(token, source=self.sources.shown())

    def keep(self, response: Response, grant: Grant) -> Response:
        """Signs the browser in; what it was signed in to before ends, if the database can be reached."""
        set_cookie(response, SESSION_COOKIE, grant.refresh_token.text, keep=self.lifetimes.absolute)
        try:
            self._revoke()
        except DatabaseUnavailable:
            # The new session is committed: without its cookie its person would sign in once more, and have two.
            _log.warning("former_session_not_ended", session_id=str(grant.session_id))
        return response

    def renew(self, response: Response) -> Response:
        """Gives the browser another secret for the session it has; raises DatabaseUnavailable, and then it may be signed out."""
        token = _token()
        renewed = None if token is None else self.sessions.renew(token)
        if renewed is not None:
            set_cookie(response, SESSION_COOKIE, renewed.text, keep=self.lifetimes.absolute)
        return response

    def end(self, response: Response) -> Response:
        """Signs it out; raises DatabaseUnavailable, and then it is not."""
        self._revoke()
        return self.forget(response)

    def forget(self, response: Response) -> Response:
        """Has the browser forget a session that is no more."""
        forget_cookie(response, SESSION_COOKIE)
        return response

    def _revoke(self) -> None:
        token = _token()
        if token is not None:
            self.sessions.revoke(token, client_id=OWN_CLIENT)


def _token() -> Secret | None:
    text = request.cookies.get(SESSION_COOKIE, "")
    return Secret(text) if 0 < len(text) <= MAX_SECRET_LENGTH else None

"""① `/v1/authorize`: an application sends a person here, who signs in on our pages and is sent back with a code (RFC 6749).

To a site silently; to a program on a device only once they have pressed a button, for any program there may listen.
Back they are sent only to an address that is registered; until it is known to be one, what is wrong is said on a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Response, request

from auth_service.domain.application import leads_to_a_device
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.read_account import ReadAccount
from auth_service.http.oauth_requests import OAuthRequest, authorization_request
from auth_service.http.oauth_server import OAuthServer
from auth_service.http.pages.browser_session import BrowserSession
from auth_service.http.pages.form import Form
from auth_service.http.pages.site import FINE, Site, asked_texts, form_to, page_at
from auth_service.http.pages.way_home import AUTHORIZE, forget_way, keep_way
from auth_service.http.pages.way_on import FIELD
from auth_service.http.pages.wording import Trouble, describe
from auth_service.http.problems import Problem
from auth_service.http.route import Route
from auth_service.http.token_endpoint import PROMPTS

_SIGNED_IN_SINCE: Final = "signed_in_since"
"""Ours, in the address a person comes back to: what `prompt` or `max_age` asked for is done once they have signed in since then.

An application that must be sure looks at the token's `auth_time`: whoever sits at the browser can change any address.
"""
_ASKED_ONCE: Final = frozenset({"prompt", "max_age", _SIGNED_IN_SINCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    prompt: str
    max_age: int | None
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizePage:
    """The authorization endpoint; a page, for browsers are led there."""

    site: Site
    browser: BrowserSession
    read: ReadAccount
    server: OAuthServer

    def routes(self) -> tuple[Route, ...]:
        """Returns it, and where its form is sent."""
        return (
            page_at(AUTHORIZE, self.show, "authorize_page"),
            form_to(AUTHORIZE, self.post, "authorize_form"),
        )

    def show(self) -> Response:
        """Sends the person back with a code, asks whether to, or sends them to sign in first."""
        return self.site.explained(self._show)

    def post(self) -> Response:
        """Sends whoever pressed the button back with a code."""
        return self.site.take(self._press, again=self._show_again)

    def _press(self, _: Form) -> Response:
        return self._show(pressed=True)

    def _show_again(self, _: Form, problem: Problem) -> Response:
        return self._show(trouble=describe(problem, asked_texts(), of="authorize", fields={}))

    def _show(self, *, pressed: bool = False, trouble: Trouble = FINE) -> Response:
        try:
            asked = authorization_request(request)
            grant = self.server.get_consent_grant(asked)
        except OAuth2Error as error:
            return self._refuse(error)
        try:
            wish = _wish_of(asked)
        except OAuth2Error as error:
            return self._back(asked, error)
        return self._lead(asked, wish, grant, pressed=pressed, trouble=trouble)

    def _lead(
        self, asked: OAuthRequest, wish: _Wish, grant: object, *, pressed: bool, trouble: Trouble
    ) -> Response:
        signed_in = self.browser.find()
        if signed_in is None or not _will_do(wish, signed_in):
            if wish.prompt == "none":
                return self._back(asked, OAuth2Error(error="login_required"))
            return self._to_sign_in(asked, wish, signed_in)
        # HEAD and a form that came back issue nothing.
        silently = request.method == "GET" and not leads_to_a_device(asked.payload.redirect_uri)
        if pressed or silently:
            return forget_way(
                self.server.create_authorization_response(asked, grant_user=signed_in, grant=grant)
            )
        if wish.prompt == "none":
            return self._back(asked, OAuth2Error(error="interaction_required"))
        return self._ask(asked, signed_in, trouble)

    def _ask(self, asked: OAuthRequest, signed_in: SignedIn, trouble: Trouble) -> Response:
        query = urlencode({name: value for name, value in asked.values.items() if name != "lang"})
        way = f"{AUTHORIZE}?{query}"
        return self.site.show(
            "authorize.html",
            trouble=trouble,
            forms_lead_to=asked.payload.redirect_uri.partition(":")[0],
            way_on=way,
            query=query,
            email=self.read(signed_in.session.account_id).account.email,
            other=self.site.own_address("/signin", **{FIELD: way}, again="1"),
        )

    def _to_sign_in(self, asked: OAuthRequest, wish: _Wish, signed_in: SignedIn | None) -> Response:
        query = {name: value for name, value in asked.values.items() if name not in _ASKED_ONCE}
        again = {}
        if signed_in is not None:
            query[_SIGNED_IN_SINCE] = str(int(signed_in.now.timestamp()))
            again["again"] = "1"
        way = f"{AUTHORIZE}?{urlencode(query)}"
        page = "/signup" if wish.prompt == "create" else "/signin"
        address = self.site.own_address(page, **{FIELD: way}, **again)
        return keep_way(self.site.lead_to(address), way)

    def _refuse(self, error: OAuth2Error) -> Response:
        if error.redirect_uri:
            return self.server.handle_error_response(None, error)
        texts = asked_texts()["authorize"]
        response = self.site.say(texts["title"], texts["lead"], more=texts["developers"], good=False)
        response.status_code = HTTPStatus.BAD_REQUEST
        return response

    def _back(self, asked: OAuthRequest, error: OAuth2Error) -> Response:
        error.redirect_uri, error.state = asked.payload.redirect_uri, asked.payload.state
        return self.server.handle_error_response(asked, error)


def _wish_of(asked: OAuthRequest) -> _Wish:
    prompt, max_age = asked.values.get("prompt", ""), asked.values.get("max_age", "")
    if prompt not in {"", *PROMPTS} or not (max_age == "" or (max_age.isdecimal() and len(max_age) < 10)):
        raise InvalidRequestError("There is no such prompt, or the max_age is not a number of seconds.")
    if asked.values.get("response_mode", "query") != "query":
        raise InvalidRequestError("There is no response_mode but query.")
    since = asked.values.get(_SIGNED_IN_SINCE, "")
    return _Wish(
        prompt=prompt,
        max_age=int(max_age) if max_age else None,
        since=int(since) if since.isdecimal() and len(since) < 12 else 0,
    )


def _will_do(wish: _Wish, signed_in: SignedIn) -> bool:
    """Says whether the person signed in recently enough."""
    now, auth_time = (int(moment.timestamp()) for moment in (signed_in.now, signed_in.session.auth_time))
    if wish.prompt == "login" or (wish.max_age is not None and now - auth_time > wish.max_age):
        return False
    return auth_time >= wish.since or wish.since > now

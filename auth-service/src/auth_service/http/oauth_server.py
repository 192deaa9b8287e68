"""① The authorization server: authlib's, with our applications, codes and sessions. What it answers RFC 6749 says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidGrantError
from flask import Response

from auth_service.account_errors import InvalidClient
from auth_service.domain.application import Application, Applications
from auth_service.flows.authorization_codes import AuthorizationCodes
from auth_service.flows.sessions import Sessions
from auth_service.http.oauth_grants import CodeGrant, Pkce, RefreshGrant, Revocation
from auth_service.http.oauth_requests import OAuthRequest
from auth_service.http.sources import Sources

_REDIRECT: Final = 303
"""To be asked for with GET, whatever was sent before (RFC 9700 section 4.12)."""


class OAuthClient:
    """An application as authlib asks it; names are authlib's."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def get_client_id(self) -> str:
        """Returns its id."""
        return self.application.id

    def get_default_redirect_uri(self) -> None:
        """Says that each request must name one."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Returns the scope that is granted: there are none, and whoever asks for one is told."""
        return None if scope else ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Says whether people may be sent back there."""
        return self.application.may_be_sent_to(redirect_uri)

    def check_response_type(self, response_type: str) -> bool:
        """Says whether it may ask for that."""
        return response_type == "code"

    def check_grant_type(self, _: str) -> bool:
        """Says that it may use what there is."""
        return True


class OAuthServer(AuthorizationServer):  # type: ignore[misc] # authlib is untyped
    """Answers at the authorization, token and revocation endpoints.

    Args:
        applications: that are registered.
        codes: the flow.
        sessions: the flow that refreshes and ends them.
        sources: find the application that calls, and count what is not good.
        issuer: `iss`, our public address.
    """

    def __init__(
        self,
        *,
        applications: Applications,
        codes: AuthorizationCodes,
        sessions: Sessions,
        sources: Sources,
        issuer: str,
    ) -> None:
        super().__init__()
        self.applications = applications
        self.codes = codes
        self.sessions = sessions
        self.sources = sources
        self.issuer = issuer
        self.register_grant(CodeGrant, [Pkce()])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str) -> OAuthClient | None:
        """Returns an application."""
        application = self.applications.get(client_id)
        return None if application is None else OAuthClient(application)

    def authenticate_client(
        self, request: OAuthRequest, _methods: Any, _endpoint: str = "token"
    ) -> OAuthClient:
        """Returns the application that calls; raises InvalidClientError, RateLimited."""
        named = request.values.get("client_id", "")
        try:
            application = self.sources.application()
            if application is None and "client_secret" not in request.values:
                application = self.sources.applications.public(named)
        except InvalidClient:
            application = None
        if application is None or named not in {"", application.id}:
            raise InvalidClientError(status_code=401, description="Authenticate with client_secret_basic.")
        return OAuthClient(application)

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        """Returns the request as it is."""
        return request

    def save_token(self, token: Mapping[str, Any], request: OAuthRequest) -> None:
        """Does nothing: the session was committed before there was a token."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Does nothing: nobody listens."""

    def handle_error_response(self, request: OAuthRequest | None, error: OAuth2Error) -> Response:
        """Returns the answer; what was not good is counted. Raises RateLimited, DatabaseUnavailable."""
        if isinstance(error, InvalidGrantError):
            self.sources.admit_bad_refresh()
        return super().handle_error_response(request, error)  # type: ignore[no-any-return]

    def handle_response(self, status: int, body: Any, headers: Iterable[tuple[str, str]]) -> Response:
        """Returns the answer; one that leads back to an application says who sends it (RFC 9207)."""
        named = dict(headers)
        if "Location" in named:
            location = add_params_to_uri(named["Location"], [("iss", self.issuer)])
            return Response(status=_REDIRECT, headers={"Location": location}, content_type="text/plain")
        response = Response(json.dumps(body), status=status, content_type="application/json")
        if "WWW-Authenticate" in named:
            response.headers["WWW-Authenticate"] = named["WWW-Authenticate"]
        return response

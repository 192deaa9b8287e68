"""① `/v1/token`, `/v1/revoke` and the metadata of RFC 8414: what a stock OAuth client of an application's calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from flask import Response, request

from auth_service import errors
from auth_service.http.body import TOO_LARGE
from auth_service.http.oauth_grants import AUTHENTICATION, METHOD
from auth_service.http.oauth_requests import OAuthRequest, token_request
from auth_service.http.oauth_schemas import RevocationParameters, TokenParameters
from auth_service.http.oauth_server import OAuthServer
from auth_service.http.pages.catalogue import LANGUAGES
from auth_service.http.route import FORM, Answer, Route, problems_of
from auth_service.http.session_schemas import SessionAnswer
from auth_service.security.token_keys import PUBLISHED_SECONDS

_GROUP: Final = "Applications"
PROMPTS: Final = ("login", "none", "create")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """The resource.

    Attributes:
        server: answers.
        base: the path of our public address; empty for none.
    """

    server: OAuthServer
    base: str

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        problems = (TOO_LARGE, *problems_of(errors.RateLimited, errors.DatabaseUnavailable))
        metadata = Route(
            method="GET",
            path="/.well-known/oauth-authorization-server",
            view=self.get_metadata,
            name="oauth_metadata",
            group=_GROUP,
            summary="What an OAuth client has to know of us",
            description="By RFC 8414; a client that reads it needs our address and nothing else.",
            answer=Answer(status=HTTPStatus.OK, description="The metadata."),
        )
        return (
            Route(
                method="POST",
                path="/v1/token",
                view=self.post_token,
                name="exchange_code",
                group=_GROUP,
                summary="Get a session for a code, or the next access token",
                description=(
                    "For applications that let people sign in on our pages (docs/applications.md): RFC 6749 with PKCE. A code is "
                    "good once, for 60 seconds; the second time it ends what it gave. Refresh tokens rotate as at "
                    "/v1/sessions/refresh."
                ),
                bodies=(TokenParameters,),
                encoding=FORM,
                oauth_errors=True,
                may_be_application=True,
                answer=Answer(status=HTTPStatus.OK, description="A session.", schema=SessionAnswer),
                problems=problems,
            ),
            Route(
                method="POST",
                path="/v1/revoke",
                view=self.post_revoke,
                name="revoke_token",
                group=_GROUP,
                summary="End an application's session",
                description="By RFC 7009, with the refresh token: 200 for any.",
                bodies=(RevocationParameters,),
                encoding=FORM,
                oauth_errors=True,
                may_be_application=True,
                answer=Answer(status=HTTPStatus.OK, description="It opens nothing now."),
                problems=problems,
            ),
            metadata,
            *self._for_an_issuer_with_a_path(metadata),
        )

    def post_token(self) -> Response:
        """Exchanges."""
        return self._answer(self.server.create_token_response)

    def post_revoke(self) -> Response:
        """Revokes."""
        return self._answer(lambda asked: self.server.create_endpoint_response("revocation", asked))

    def get_metadata(self) -> Response:
        """Tells it."""
        response = Response(json.dumps(self._metadata()), content_type="application/json")
        response.headers["Cache-Control"] = f"public, max-age={PUBLISHED_SECONDS}"
        return response

    def _answer(self, work: Callable[[OAuthRequest], Response]) -> Response:
        try:
            return work(token_request(request))
        except OAuth2Error as error:
            return self.server.handle_error_response(OAuthRequest("POST", {}), error)

    def _metadata(self) -> dict[str, Any]:
        issuer = self.server.issuer
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/v1/authorize",
            "token_endpoint": f"{issuer}/v1/token",
            "revocation_endpoint": f"{issuer}/v1/revoke",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "service_documentation": f"{issuer}/docs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": AUTHENTICATION,
            "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
            "code_challenge_methods_supported": [METHOD],
            "authorization_response_iss_parameter_supported": True,
            "prompt_values_supported": list(PROMPTS),
            "ui_locales_supported": list(LANGUAGES),
        }

    def _for_an_issuer_with_a_path(self, metadata: Route) -> tuple[Route, ...]:
        # RFC 8414 section 3.1: the issuer's path comes behind; a proxy that leads only the path here never asks.
        if not self.base:
            return ()
        path, name = f"{metadata.path}{self.base}", f"{metadata.name}_of_path"
        return (
            Route(
                method="GET",
                path=path,
                view=metadata.view,
                name=name,
                group=_GROUP,
                summary=metadata.summary,
                answer=metadata.answer,
            ),
        )

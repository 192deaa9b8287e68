"""① `/.well-known/jwks.json`: the public keys, by which anybody tells our access tokens from others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response

from auth_service.http.route import Answer, Route
from auth_service.security.token_keys import PUBLISHED_SECONDS, TokenKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwks:
    """The resource."""

    keys: TokenKeys

    def routes(self) -> tuple[Route, ...]:
        """Returns its call."""
        return (
            Route(
                method="GET",
                path="/.well-known/jwks.json",
                view=self.get,
                name="jwks",
                group="Sessions",
                summary="The keys of access tokens",
                description=(
                    "A JWK set (RFC 7517). Take the key that a token's `kid` names, and only ES256; a new key is here before it "
                    "signs, longer than a copy may be kept."
                ),
                answer=Answer(status=HTTPStatus.OK, description="The public keys."),
            ),
        )

    def get(self) -> Response:
        """Tells them."""
        response = Response(json.dumps(self.keys.public()), content_type="application/json")
        response.headers["Cache-Control"] = f"public, max-age={PUBLISHED_SECONDS}"
        return response

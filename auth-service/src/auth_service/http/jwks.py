"""① `/.well-known/jwks.json`: the public keys, by which anybody tells our access tokens from others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from flask import Response
from pydantic import Field

from auth_service.http.fields import AnswerBody
from auth_service.http.route import Answer, Route
from auth_service.security.token_keys import PUBLISHED_SECONDS, TokenKeys


class JwkAnswer(AnswerBody):
    """A public key (RFC 7517, RFC 7518 section 6.2)."""

    kty: Annotated[str, Field(examples=["EC"])]
    crv: Annotated[str, Field(examples=["P-256"])]
    x: str
    y: str
    kid: Annotated[str, Field(description="As in the header of a token.")]
    use: Annotated[str, Field(examples=["sig"])]
    alg: Annotated[str, Field(examples=["ES256"])]


class JwksAnswer(AnswerBody):
    """A JWK set."""

    keys: Sequence[JwkAnswer]


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
                answer=Answer(status=HTTPStatus.OK, description="The public keys.", schema=JwksAnswer),
            ),
        )

    def get(self) -> Response:
        """Tells them."""
        response = Response(json.dumps(self.keys.public()), content_type="application/json")
        response.headers["Cache-Control"] = f"public, max-age={PUBLISHED_SECONDS}"
        return response

"""What the calls of OAuth take and how they fail; OpenAPI is generated from these, authlib reads the requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from auth_service.http.fields import AnswerBody, Body


class _Parameters(Body):
    """Base of what comes in by a form; what is unknown is ignored, as RFC 6749 asks."""

    model_config = ConfigDict(frozen=True)

    client_id: Annotated[
        str | None,
        Field(default=None, description="Of a public application; others authenticate.", examples=["shop"]),
    ]


class TokenParameters(_Parameters):
    """Asks for a session, or for its next access token."""

    grant_type: Literal["authorization_code", "refresh_token"]
    code: Annotated[str | None, Field(default=None, description="As it came to the redirect URI.")]
    redirect_uri: Annotated[str | None, Field(default=None, description="The same as when it was asked for.")]
    code_verifier: Annotated[
        str | None,
        Field(
            default=None, description="Of PKCE; its S256 was the challenge.", min_length=43, max_length=128
        ),
    ]
    refresh_token: Annotated[str | None, Field(default=None, description="As given before.")]


class RevocationParameters(_Parameters):
    """Ends a session."""

    token: Annotated[str, Field(description="The refresh token.")]
    token_type_hint: Annotated[str | None, Field(default=None, description="Changes nothing.")]


class OAuthErrorAnswer(AnswerBody):
    """An error as OAuth has it (RFC 6749 section 5.2)."""

    error: Annotated[
        Literal[
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "invalid_scope",
            "unsupported_grant_type",
            "unsupported_token_type",
        ],
        Field(description="For programs."),
    ]
    error_description: Annotated[
        str | None, Field(default=None, description="For whoever writes the program.")
    ]

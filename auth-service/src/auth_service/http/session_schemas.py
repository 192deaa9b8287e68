"""What goes in and comes out where somebody signs in; OpenAPI is generated from these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr

from auth_service.domain.password_policy import MAX_LENGTH, normalized
from auth_service.http.fields import AnswerBody, Email, RequestBody, SecretToken
from auth_service.http.flaws import refuse


def _may_be_one(password: SecretStr) -> SecretStr:
    # Not the shortest that may be chosen: some were imported.
    length = len(normalized(password.get_secret_value()))
    if not length:
        refuse("too_short", min=1)
    if length > MAX_LENGTH:
        refuse("too_long", max=MAX_LENGTH)
    return password


TypedPassword = Annotated[
    SecretStr,
    AfterValidator(_may_be_one),
    Field(
        description="As it was chosen; whether it may be chosen today isn't looked at.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_LENGTH, "examples": ["three boats at dawn"]},
    ),
]
RefreshSecret = Annotated[SecretToken, Field(description="As given when somebody signed in or refreshed.")]


class SignInRequest(RequestBody):
    """Signs somebody in."""

    method: Annotated[Literal["password"], Field(description="May be left out.")] = "password"
    email: Email
    password: TypedPassword
    proof: Annotated[
        str | None,
        Field(description="Of work, where a 428 asked for it: ALTCHA's payload, base64 of JSON."),
    ] = None


class AccessAnswer(AnswerBody):
    """An access token."""

    access_token: Annotated[
        str,
        Field(
            description="A JWT (RFC 9068), for `Authorization: Bearer`; verified with /.well-known/jwks.json."
        ),
    ]
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a kind
    expires_in: Annotated[int, Field(description="Seconds that it is good.")]


class SessionAnswer(AccessAnswer):
    """A session, just opened or refreshed."""

    refresh_token: Annotated[str, Field(description="Opaque, good once; the answer to it brings the next.")]
    refresh_expires_in: Annotated[int, Field(description="Seconds that it is good if nobody uses it.")]
    password_change_advised: Annotated[
        bool | None,
        Field(
            default=None,
            description="True where the password that signed in is shorter than one that may be chosen today, as imported ones "
            "may be; absent otherwise. Ask for a longer one.",
        ),
    ]


class RefreshRequest(RequestBody):
    """Asks for the next access token."""

    refresh_token: RefreshSecret


class RevocationRequest(RequestBody):
    """Ends the session of a refresh token."""

    refresh_token: RefreshSecret


class RevocationAnswer(AnswerBody):
    """The same for every token, known or not."""


class ReauthenticationRequest(RequestBody):
    """Proves once more who is signed in."""

    password: TypedPassword


class SessionEntry(AnswerBody):
    """A session that is open."""

    id: UUID
    created_at: AwareDatetime
    last_used_at: AwareDatetime
    expires_at: Annotated[AwareDatetime, Field(description="When it ends if nobody uses it.")]
    current: Annotated[bool, Field(description="Whether it is the one that asks.")]
    client_id: str
    amr: Annotated[Sequence[str], Field(description="How they signed in (RFC 8176).", examples=[["pwd"]])]
    device: Annotated[
        str,
        Field(
            description="Browser and system, as far as they said so; else empty.",
            examples=["Firefox on Linux"],
        ),
    ]
    ip: Annotated[str, Field(description="The network address it was last used from.")]


class SessionsAnswer(AnswerBody):
    """The open sessions of an account, newest first."""

    sessions: Sequence[SessionEntry]
    next: Annotated[
        str | None,
        Field(default=None, description="For `after`, to read on; absent where there are no more."),
    ]

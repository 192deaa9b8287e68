"""What goes in and comes out over HTTP; OpenAPI is generated from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from auth_service.domain import password_policy
from auth_service.domain.address import parse_address
from auth_service.domain.delivery import DeliveryState
from auth_service.errors import InvalidAddress
from auth_service.http.flaws import check_password, refuse
from auth_service.security.secrets import MAX_SECRET_LENGTH


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _Answer(BaseModel):
    # Open: the description must not forbid what a later version adds.
    model_config = ConfigDict(frozen=True)


def _is_address(text: str) -> str:
    try:
        parse_address(text)
    except InvalidAddress:
        refuse("invalid_address")
    return text


Email = Annotated[
    str,
    AfterValidator(_is_address),
    Field(description="An email address; non-ASCII ones too.", examples=["linh@example.com"]),
]


class RegistrationRequest(_Request):
    """Asks for an account."""

    email: Email
    password: Annotated[
        SecretStr,
        Field(
            description="Any characters, no rules of composition; not a common or guessable one.",
            json_schema_extra={
                "minLength": password_policy.MIN_LENGTH,
                "maxLength": password_policy.MAX_LENGTH,
                "examples": ["three boats at dawn"],
            },
        ),
    ]
    locale: Annotated[
        str | None,
        Field(
            description="Language of the letter, a BCP 47 tag; English where it is left out or not spoken.",
            pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$",
            examples=["vi"],
        ),
    ] = None

    @field_validator("password")
    @classmethod
    def _is_good(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        # Where the address has a flaw of its own, the password is looked at without it.
        email = info.data.get("email")
        check_password(password.get_secret_value(), None if email is None else parse_address(email))
        return password


class ResendRequest(_Request):
    """Asks for the verification letter once more."""

    email: Email


class ReceiptAnswer(_Answer):
    """The receipt of a letter; the same for every address, known or not."""

    receipt: Annotated[str, Field(description="Opaque; for `GET /v1/receipts/{receipt}`.")]


class LinkVerificationRequest(_Request):
    """Proves an address by the link of the newest letter."""

    token: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_SECRET_LENGTH,
            description="What follows `#token=` in the link.",
            examples=["Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU"],
        ),
    ]


class CodeVerificationRequest(_Request):
    """Proves an address by the code of the newest letter; five wrong ones and it is void."""

    email: Email
    code: Annotated[str, Field(pattern=r"^[0-9]{8}$", description="Eight digits.", examples=["40718253"])]


class VerificationAnswer(_Answer):
    """A proved address."""

    email: str
    verified_at: AwareDatetime


class TimelineEntry(_Answer):
    """One step of a letter."""

    at: Annotated[AwareDatetime, Field(description="To the second.")]
    state: DeliveryState
    detail: Annotated[
        str | None, Field(default=None, description="A short machine token, such as `5.1.1`; often absent.")
    ]


class ReceiptStateAnswer(_Answer):
    """What became of a letter."""

    state: DeliveryState
    timeline: Sequence[TimelineEntry]


class HealthAnswer(_Answer):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ReadinessAnswer(_Answer):
    """The process can do its work.

    `outbox` is for information: a long backlog means that the broker is away, and requests are taken nevertheless.
    """

    status: Literal["ready"] = "ready"
    database: Literal["ok"] = "ok"
    migrations: Literal["ok"] = "ok"
    outbox_rows: int
    outbox_oldest_seconds: float


class FieldFlaw(_Answer):
    """What is wrong with one field."""

    pointer: Annotated[
        str,
        Field(
            description="JSON Pointer as a URI fragment (RFC 6901); `#` for the body.", examples=["#/email"]
        ),
    ]
    code: Annotated[
        str, Field(description="For programs; all are in docs/errors.md.", examples=["too_short"])
    ]
    detail: Annotated[str, Field(description="For people.")]
    params: Annotated[
        Mapping[str, Any], Field(description="Of the sentence in another language.", examples=[{"min": 15}])
    ]


class ProblemAnswer(_Answer):
    """An error (RFC 9457)."""

    type: Annotated[
        str,
        Field(
            description="A name, the same everywhere; never to be fetched.",
            examples=["urn:postern:problem:not_found"],
        ),
    ]
    title: Annotated[str, Field(description="What is wrong.")]
    status: int
    detail: Annotated[str, Field(description="What to do now.")]
    code: Annotated[str, Field(description="For programs; the last part of `type`.")]
    request_id: Annotated[str, Field(description="Finds the request in the log.")]
    errors: Annotated[
        Sequence[FieldFlaw] | None,
        Field(default=None, description="Where fields are to blame: all that is wrong with them."),
    ]

"""Fields that several calls have in common, and what all bodies are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from auth_service.domain import password_policy
from auth_service.domain.address import parse_address
from auth_service.errors import InvalidAddress
from auth_service.http.flaws import check_length, refuse
from auth_service.security.secrets import MAX_SECRET_LENGTH


class Body(BaseModel):
    """Base of both: its `repr` shows nothing, for most hold secrets or addresses, and a log or a traceback may show it."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Gives pydantic nothing to show."""
        return ()


class RequestBody(Body):
    """Base of what comes in: strict, so that nothing is understood in two ways."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class AnswerBody(Body):
    """Base of what goes out: open, for the description must not forbid what a later version adds."""

    model_config = ConfigDict(frozen=True)


def _is_address(text: str) -> str:
    try:
        parse_address(text)
    except InvalidAddress:
        refuse("invalid_address")
    return text


def _has_length(password: SecretStr) -> SecretStr:
    check_length(password.get_secret_value())
    return password


Email = Annotated[
    str,
    AfterValidator(_is_address),
    Field(description="An email address; non-ASCII ones too.", examples=["linh@example.com"]),
]


Password = Annotated[
    SecretStr,
    AfterValidator(_has_length),
    Field(
        description="Any characters, no rules of composition; not a common or guessable one.",
        json_schema_extra={
            "minLength": password_policy.MIN_LENGTH,
            "maxLength": password_policy.MAX_LENGTH,
            "examples": ["three boats at dawn"],
        },
    ),
]
SecretToken = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_SECRET_LENGTH,
        examples=["Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU"],
    ),
]
RegistrationSecret = Annotated[
    SecretToken,
    Field(description="As given when somebody registered; then that registration's password counts."),
]
ChosenPassword = Annotated[
    Password | None,
    Field(description="Chosen now by whoever reads the mailbox, where there is no `registration_secret`."),
]
Code = Annotated[str, Field(pattern=r"^[0-9]{8}$", description="Eight digits.", examples=["40718253"])]
Locale = Annotated[
    str,
    Field(
        description="A language, as a BCP 47 tag; English is sent where it is not spoken.",
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$",
        examples=["vi"],
    ),
]

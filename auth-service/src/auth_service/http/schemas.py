"""What goes in and comes out over HTTP; OpenAPI is generated from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from auth_service.domain import password_policy
from auth_service.domain.one_time_token import CODE_DIGITS
from auth_service.domain.receipt import ReceiptState
from auth_service.http.fields import (
    AnswerBody,
    ChosenPassword,
    Code,
    Email,
    Locale,
    Password,
    RegistrationSecret,
    RequestBody,
    SecretToken,
)


class RegistrationRequest(RequestBody):
    """Asks for an account."""

    email: Email
    password: Password
    locale: Annotated[
        Locale | None, Field(description="Language of the email; English where it is left out.")
    ] = None
    client_id: Annotated[
        str | None,
        Field(
            description="Which application sent the person here; kept with the registration.",
            pattern=r"^[A-Za-z0-9._~-]{1,64}$",
            examples=["shop"],
        ),
    ] = None
    proof: Annotated[
        str | None,
        Field(description="Of work, where a 428 asked for it: ALTCHA's payload, base64 of JSON."),
    ] = None


class RegistrationAnswer(AnswerBody):
    """The same for every address, known or not."""

    receipt: Annotated[str, Field(description="Opaque; for `GET /v1/receipts/{receipt}`.")]
    registration_secret: Annotated[
        str,
        Field(
            description="Proves later, with the email's link or code, that this registration's password counts."
        ),
    ]
    resend_after: Annotated[int, Field(description="Seconds until asking for the email again makes sense.")]


class SecretResendRequest(RequestBody):
    """Asks for the email of a registration once more."""

    registration_secret: Annotated[SecretToken, Field(description="As given when somebody registered.")]


class AddressResendRequest(RequestBody):
    """Asks for the email to an address once more, where the secret is not at hand."""

    email: Email


class ResendAnswer(AnswerBody):
    """The same for every address, known or not."""

    receipt: Annotated[
        str,
        Field(
            description="Tells what became of the email only if it was asked for by `registration_secret`."
        ),
    ]
    resend_after: Annotated[int, Field(description="Seconds until asking again makes sense.")]


class LinkVerificationRequest(RequestBody):
    """Proves an address by an email's link."""

    token: Annotated[SecretToken, Field(description="What follows `#token=` in the link.")]
    registration_secret: RegistrationSecret | None = None
    password: ChosenPassword = None


class CodeVerificationRequest(RequestBody):
    """Proves an address by an email's code; five wrong ones and a code is void, twenty and all are for the day."""

    email: Email
    code: Code
    registration_secret: RegistrationSecret | None = None
    password: ChosenPassword = None


class VerificationAnswer(AnswerBody):
    """A proved address."""

    email: str
    verified_at: AwareDatetime


class RefusalRequest(RequestBody):
    """Says "this wasn't me" of a registration."""

    token: Annotated[SecretToken, Field(description="What follows `#token=` in the email's refusal link.")]


class TimelineEntry(AnswerBody):
    """One step of a request."""

    at: Annotated[AwareDatetime, Field(description="To the second.")]
    state: ReceiptState
    detail: Annotated[
        str | None, Field(default=None, description="A short machine token, such as `5.1.1`; often absent.")
    ]


class ReceiptStateAnswer(AnswerBody):
    """What became of a request."""

    state: ReceiptState
    final: Annotated[bool, Field(description="Whether nothing more is to be expected.")]
    poll_after: Annotated[
        int | None,
        Field(default=None, description="Seconds until asking again makes sense; absent if it does not."),
    ]
    timeline: Sequence[TimelineEntry]


class PasswordPolicy(AnswerBody):
    """Lengths in code points."""

    min_length: int = password_policy.MIN_LENGTH
    max_length: int = password_policy.MAX_LENGTH


class CodePolicy(AnswerBody):
    """The codes in emails."""

    digits: int = CODE_DIGITS


class PolicyAnswer(AnswerBody):
    """What a form needs to know before anybody types."""

    password: PasswordPolicy
    code: CodePolicy
    languages: Annotated[Sequence[str], Field(description="Of pages and emails, BCP 47.")]
    resend_after: Annotated[int, Field(description="Seconds from one email to the next.")]


class HealthAnswer(AnswerBody):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ReadinessAnswer(AnswerBody):
    """The process can do its work.

    `outbox` is for information: a long backlog means that the broker is away, and requests are taken nevertheless.
    """

    status: Literal["ready"] = "ready"
    database: Literal["ok"] = "ok"
    migrations: Literal["ok"] = "ok"
    outbox_rows: int
    outbox_oldest_seconds: float


class FieldFlaw(AnswerBody):
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


class ProblemAnswer(AnswerBody):
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
    challenge: Annotated[
        Mapping[str, Any] | None,
        Field(default=None, description="Of `proof_required`: the work, as ALTCHA's clients take it."),
    ]
    expires_at: Annotated[
        AwareDatetime | None,
        Field(default=None, description="Of `proof_required`: until when a solution is taken."),
    ]
    max_age: Annotated[
        int | None,
        Field(
            default=None,
            description="Of `recent_sign_in_needed`: seconds that the sign-in may be ago (RFC 9470).",
        ),
    ]
    asked_by: Annotated[
        str | None,
        Field(
            default=None,
            description="Of `sign_in_needed`: the address of the account that asked, masked.",
        ),
    ]

"""What goes in and comes out over HTTP about an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from auth_service.domain.receipt import ReceiptState
from auth_service.http.fields import AnswerBody, Code, Email, Locale, Password, RequestBody, SecretToken
from auth_service.http.session_schemas import TypedPassword
from mail_contract.letters import LetterName


class AddressRequest(RequestBody):
    """Names an address; whether it has an account shows nowhere."""

    email: Email


class AcceptedAnswer(AnswerBody):
    """The same for every address, known or not."""

    receipt: Annotated[str, Field(description="Says that the request was accepted, and nothing more.")]


class ResetRequest(RequestBody):
    """Chooses a new password by an email's link."""

    token: Annotated[SecretToken, Field(description="What follows `#token=` in the link.")]
    password: Password


class LinkRequest(RequestBody):
    """An email's link, used by its reader."""

    token: Annotated[SecretToken, Field(description="What follows `#token=` in the link.")]


class ConfirmAddressRequest(LinkRequest):
    """Confirms an account's new address; by the account's access token, or else with its password."""

    password: Annotated[
        TypedPassword | None,
        Field(description="Of the account that asked for the change, if the call has no access token of it."),
    ] = None


class SignInCodeRequest(RequestBody):
    """Signs in by an email's code; five wrong ones and it is void, twenty and all codes of the mailbox are for the day."""

    email: Email
    code: Code


class AccountAnswer(AnswerBody):
    """An account as its person sees it."""

    id: UUID
    email: str
    verified_at: Annotated[AwareDatetime, Field(description="Since when there is an account.")]
    pending_email: Annotated[
        str | None, Field(default=None, description="An address that waits to be confirmed; often absent.")
    ]
    locale: Annotated[str, Field(description="Language of its emails, a BCP 47 tag.")]
    has_password: Annotated[
        bool | None,
        Field(
            description="If not, one signs in by link or code only. Left out for an application that got its token for a code."
        ),
    ] = None


class AccountChange(RequestBody):
    """Changes what may be changed without more ado."""

    locale: Locale


class PasswordChange(RequestBody):
    """Chooses another password."""

    current_password: Annotated[
        TypedPassword | None, Field(description="Left out where the account has none.")
    ] = None
    password: Password


class DeletionRequest(RequestBody):
    """Deletes the account."""

    password: Annotated[TypedPassword | None, Field(description="Left out where the account has none.")] = (
        None
    )


class AddressAnswer(AnswerBody):
    """The address that the account has now."""

    email: str


class SentLetterAnswer(AnswerBody):
    """An email to the account's mailbox."""

    id: UUID
    letter: Annotated[LetterName, Field(description="What it says.")]
    created_at: AwareDatetime
    state: ReceiptState
    at: Annotated[AwareDatetime, Field(description="Since when that is its state.")]


class SentLettersAnswer(AnswerBody):
    """A page of what was sent, newest first."""

    letters: Sequence[SentLetterAnswer]
    next: Annotated[
        str | None,
        Field(default=None, description="For `after`, to read on; absent where there are no more."),
    ]

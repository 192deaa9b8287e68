"""What each letter says beyond its fixed words: a type of its own for each, so that nothing is missing and nothing is added."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _iso_date(value: str) -> str:
    return date.fromisoformat(value).isoformat()


IsoDate = Annotated[str, AfterValidator(_iso_date)]
"""A day as `2027-01-31`; the letter writes it as its language does."""


def _iso_time(value: str) -> str:
    if value and datetime.fromisoformat(value).utcoffset() is None:
        raise ValueError("needs an offset from UTC")
    return value


IsoTime = Annotated[str, AfterValidator(_iso_time)]
"""A moment as `2027-01-31T09:30:00+00:00`, or nothing where it is not known; the letter writes it as its language does."""


class LetterContext(BaseModel):
    """What a letter says beyond its fixed words; one subclass a letter. Travels sealed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SignUpContext(LetterContext):
    """What every letter of signing up says about the request behind it; empty in envelopes of an older auth-service.

    Attributes:
        refusal: link of the page that says "this wasn't me".
        requested_at: when somebody registered with the address.
        device: what kind of device they used, in words of ours ("Firefox on Linux"); never text of the request.
    """

    refusal: str = ""
    requested_at: IsoTime = ""
    device: str = ""


class VerifyAddress(SignUpContext):
    """Asks the reader to prove the address: by the link's button or by typing the code."""

    link: str
    code: str


class AccountExists(SignUpContext):
    """Tells the owner of a taken address that somebody tried to register with it; `home` is where to sign in."""

    home: str


class TermsChanged(LetterContext):
    """Tells everybody with an account that new terms apply from a day on, and where to read them."""

    url: str
    applies_on: IsoDate


class RegistrationReminder(SignUpContext):
    """Reminds somebody whose registration was not confirmed within a day; with a link and a code of its own."""

    link: str
    code: str


class RequestContext(LetterContext):
    """What a letter that somebody asked for says about the request behind it.

    Attributes:
        requested_at: when it was asked for.
        device: from what kind of device, in words of ours; empty where that is not known.
    """

    requested_at: IsoTime
    device: str


class ResetPassword(RequestContext):
    """Leads to the page where a new password is chosen."""

    link: str


class SignInLink(RequestContext):
    """Signs its reader in: by the link's button or by typing the code."""

    link: str
    code: str


class ConfirmEmail(RequestContext):
    """Asks whoever reads an account's new address to confirm it; goes to that one."""

    link: str


class EventContext(LetterContext):
    """What a letter about something that happened to an account says about that.

    Attributes:
        at: when it happened.
        device: on what kind of device, in words of ours; empty where that is not known.
    """

    at: IsoTime
    device: str


class PasswordChanged(EventContext):
    """Tells an account's owner that its password is another one; `reset` leads to the page for a forgotten one."""

    reset: str


class NewSignIn(EventContext):
    """Tells an account's owner of a sign-in on a device not seen before.

    Attributes:
        place: the network address it came from, as text; empty where that is not known.
        sessions: link to the page that shows where the account is signed in.
        reset: link to the page for a forgotten password.
    """

    place: str
    sessions: str
    reset: str


class EmailChanged(EventContext):
    """Tells whoever reads an account's old address that it has a new one; goes to the old one.

    Attributes:
        new_address: masked, such as `a…@example.test`.
        revert: link that gives the account its old address back.
    """

    new_address: str
    revert: str


class EmailChangeUndone(EventContext):
    """Tells whoever reads the address an account had until now that it has its old one again; goes to the one it had."""


class AccountDisabled(LetterContext):
    """Tells an account's owner that an operator disabled it, and when."""

    at: IsoTime


class AccountDeleted(LetterContext):
    """Tells whoever had an account that it is gone, and since when."""

    at: IsoTime

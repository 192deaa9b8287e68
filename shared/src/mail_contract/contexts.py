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

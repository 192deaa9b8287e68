"""The closed set of letters: class, priority, lifetime and typed context of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class LetterClass(StrEnum):
    """How soon somebody expects the letter; every class has a queue of its own."""

    URGENT = "urgent"
    """Someone is staring at the screen."""
    STANDARD = "standard"
    """Someone expects it today."""
    BULK = "bulk"
    """Everybody gets one."""


class LetterName(StrEnum):
    """Every letter there is."""

    VERIFY_ADDRESS = "verify_address"
    ACCOUNT_EXISTS = "account_exists"
    TERMS_CHANGED = "terms_changed"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterDefinition:
    """The fixed facts of one letter.

    Attributes:
        name: its name on the wire and the folder of its templates.
        letter_class: decides the queue.
        priority: 0 to 9, higher first, inside the class where the broker can (RabbitMQ 4.x: above 4 is high).
        lifetime: how long after the request the letter still makes sense; never sent later.
        context: the type of its context.
    """

    name: LetterName
    letter_class: LetterClass
    priority: int
    lifetime: timedelta
    context: type[LetterContext]


_DEFINITIONS = (
    LetterDefinition(
        name=LetterName.VERIFY_ADDRESS,
        letter_class=LetterClass.URGENT,
        priority=6,
        lifetime=timedelta(hours=24),
        context=VerifyAddress,
    ),
    # Whoever registers gets this one or the one above: another class or priority would show in the receipt which.
    LetterDefinition(
        name=LetterName.ACCOUNT_EXISTS,
        letter_class=LetterClass.URGENT,
        priority=6,
        lifetime=timedelta(hours=24),
        context=AccountExists,
    ),
    # A week: to a million people through one provider it may well take days.
    LetterDefinition(
        name=LetterName.TERMS_CHANGED,
        letter_class=LetterClass.BULK,
        priority=1,
        lifetime=timedelta(days=7),
        context=TermsChanged,
    ),
)

LETTERS: Mapping[LetterName, LetterDefinition] = MappingProxyType({d.name: d for d in _DEFINITIONS})
_BY_CONTEXT = {d.context: d for d in _DEFINITIONS}


def definition_of(context: LetterContext) -> LetterDefinition:
    """Returns the definition of the letter whose context this is."""
    return _BY_CONTEXT[type(context)]

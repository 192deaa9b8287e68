"""The closed set of letters: class, priority, lifetime and typed context of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict


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


class LetterContext(BaseModel):
    """What a letter says beyond its fixed words; one subclass a letter. Travels sealed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class VerifyAddress(LetterContext):
    """Asks the reader to prove the address: by the link's button or by typing the code."""

    link: str
    code: str


class AccountExists(LetterContext):
    """Tells the owner of a taken address that somebody tried to register with it."""

    home: str


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
)

LETTERS: Mapping[LetterName, LetterDefinition] = MappingProxyType({d.name: d for d in _DEFINITIONS})
_BY_CONTEXT = {d.context: d for d in _DEFINITIONS}


def definition_of(context: LetterContext) -> LetterDefinition:
    """Returns the definition of the letter whose context this is."""
    return _BY_CONTEXT[type(context)]

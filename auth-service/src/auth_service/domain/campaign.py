"""Campaigns: many registrations that nobody confirms, as when somebody mails strangers through a sign-up form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from auth_service.domain.limit import OFF

CONFIRMING_TIME: Final = timedelta(minutes=5)
"""What is younger is not looked at: a person needs that long to find an email and press its button."""

_FORM: Final = f"must be `{OFF}` or COUNT/PERIOD PERCENT%, as 50/hour 10%; PERIOD hour or day"
_PERIODS: Final = MappingProxyType({"hour": timedelta(hours=1), "day": timedelta(days=1)})
_SUSPICION: Final = re.compile(r"([1-9][0-9]{0,6})/(hour|day) +([1-9][0-9]?)%")


class HoldReason(StrEnum):
    """Why the letter of a registration is held before it is sent."""

    MANY_PROVED = "many_proved"
    """Too many registrations at once, though each came with a proof of work."""
    FEW_CONFIRMED = "few_confirmed"
    """Few of those that came with a proof of work were confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """How a registration was let in; written down with it.

    Attributes:
        proved: whether it came with a proof of work.
        held_for: why its letters are to be held, if they are.
    """

    proved: bool = False
    held_for: HoldReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What the registrations of a while ago ask for.

    Attributes:
        prove: new ones need a proof of work.
        hold: letters of those that have one are held.
    """

    prove: bool
    hold: bool

    @property
    def lasts(self) -> bool:
        """Whether a campaign lasts."""
        return self.prove or self.hold


CALM: Final = Alert(prove=False, hold=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationCount:
    """Registrations of a stretch of time, and how many of them were confirmed."""

    registered: int
    confirmed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCounts:
    """Registrations of a stretch of time. One whose every letter was limited is in none: there was nothing to confirm.

    Attributes:
        everybody: all others.
        sent: those whose letters were not held; the others could not be confirmed, and cannot say that a campaign lasts.
        proved: those of `sent` that came with a proof of work.
    """

    everybody: RegistrationCount
    sent: RegistrationCount
    proved: RegistrationCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """When registrations look like a campaign.

    Attributes:
        registered: at least so many of them.
        period: in a stretch of time as long as this, which ends `CONFIRMING_TIME` ago.
        percent: and fewer than so many in a hundred confirmed.
    """

    registered: int
    period: timedelta
    percent: int

    def is_raised_by(self, count: RegistrationCount) -> bool:
        """Says whether these look like one."""
        return count.registered >= self.registered and count.confirmed * 100 < count.registered * self.percent


def parse_suspicion(text: str) -> Suspicion | None:
    """Returns the meaning of a setting such as `50/hour 10%`, None where it is off, or raises ValueError."""
    if text.strip() == OFF:
        return None
    found = _SUSPICION.fullmatch(text.strip())
    if found is None:
        raise ValueError(_FORM)
    return Suspicion(registered=int(found[1]), period=_PERIODS[found[2]], percent=int(found[3]))

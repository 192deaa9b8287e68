"""One-time secrets: what each is for, how long it lives, how often a code may be guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Purpose(StrEnum):
    """What a token proves; it is good for nothing else."""

    VERIFY_ADDRESS = "verify_address"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a word, not a secret
    SIGN_IN = "sign_in"
    CONFIRM_EMAIL = "confirm_email"
    """The new address of an account."""
    REVERT_EMAIL = "revert_email"
    """The way back, for whoever reads the old one."""


LIFETIMES: Final[Mapping[Purpose, timedelta]] = MappingProxyType(
    {
        Purpose.VERIFY_ADDRESS: timedelta(hours=24),
        Purpose.RESET_PASSWORD: timedelta(minutes=30),
        Purpose.SIGN_IN: timedelta(minutes=10),
        Purpose.CONFIRM_EMAIL: timedelta(hours=24),
        Purpose.REVERT_EMAIL: timedelta(days=7),
    }
)
"""How long a token may be used (ASVS 5.0 6.6.3 asks for a bound). A day where a letter may be read in the evening, minutes where
its reader is waiting for it, a week where somebody may have taken an account over while its person was away."""

CODE_DIGITS: Final = 8
"""Long enough that five guesses hit one in twenty million, short enough to be typed."""

MAX_CODE_TRIES: Final = 5
"""Wrong codes after which a code is void. The link of the same letter stays good: nobody can guess 256 bits,
and a stranger who knows the address must not be able to spoil it by guessing badly on purpose."""

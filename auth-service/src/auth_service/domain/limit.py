"""Limits: how many requests of one kind are admitted in a time, and what became of one that was counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from math import ceil
from types import MappingProxyType
from typing import Final

from auth_service.domain.address import Address

OFF: Final = "off"
MAX_COUNT: Final = 1000
"""The times of so many admitted requests are kept at most, 8 bytes each."""

LONGEST_PERIOD: Final = timedelta(days=1)

_PERIODS: Final = MappingProxyType(
    {
        "second": timedelta(seconds=1),
        "minute": timedelta(minutes=1),
        "hour": timedelta(hours=1),
        "day": LONGEST_PERIOD,
    }
)
_BUCKET: Final = re.compile(r"([1-9][0-9]{0,3})/(second|minute|hour|day)")
_FORM: Final = f"must be `{OFF}` or COUNT/PERIOD once or more with spaces between, as 1/minute 5/hour; COUNT up to {MAX_COUNT}, PERIOD second, minute, hour or day"


class LimitName(StrEnum):
    """What is limited; the word in metrics and in the keys that counts are kept under."""

    MAILBOX = "mailbox"
    """Requests for letters to one mailbox, whatever they ask for."""
    CODES = "codes"
    """Wrong codes for one mailbox."""
    SOURCE = "source"
    """Requests for letters from one network address."""
    SOURCE_SECRETS = "source_secrets"
    """Codes and links sent in from one network address."""
    SIGN_IN = "sign_in"
    """Wrong passwords for one address."""
    SOURCE_SIGN_IN = "source_sign_in"
    """Wrong passwords from one network address."""
    SOURCE_REFRESH = "source_refresh"
    """Refresh tokens that are not good from one network address."""
    ALL_SIGN_IN = "all_sign_in"
    """Wrong passwords without a proof of work, by everybody together."""
    ALL = "all"
    """Registrations without a proof of work, by everybody together."""
    PROVED = "proved"
    """Registrations with a proof of work, by everybody together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """At most `count` in any stretch of time as long as `period`."""

    count: int
    period: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Buckets, each of which must have room for a request to be admitted; without any the limit is off."""

    buckets: tuple[Bucket, ...] = ()

    @property
    def is_off(self) -> bool:
        """Whether everything is admitted and nothing counted."""
        return not self.buckets

    @property
    def half(self) -> Limit:
        """The limit with half the room in each bucket, at least for one."""
        return Limit(
            buckets=tuple(
                Bucket(count=max(1, bucket.count // 2), period=bucket.period) for bucket in self.buckets
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What became of a counted request.

    Attributes:
        admitted: whether it was within the limit.
        seconds: until the next one would be, 0 if that is now. It depends on the count alone.
    """

    admitted: bool
    seconds: float

    @property
    def whole_seconds(self) -> int:
        """The same rounded up, for `Retry-After` and `resend_after`."""
        return ceil(self.seconds)


FREE: Final = Admission(admitted=True, seconds=0.0)
"""What a limit that is off says."""


def parse_limit(text: str) -> Limit:
    """Returns the limit of a setting such as `1/minute 5/hour`, or raises ValueError."""
    if text.strip() == OFF:
        return Limit()
    buckets = [_BUCKET.fullmatch(word) for word in text.split()]
    if not buckets or not all(buckets):
        raise ValueError(_FORM)
    parsed = tuple(Bucket(count=int(found[1]), period=_PERIODS[found[2]]) for found in buckets if found)
    if any(bucket.count > MAX_COUNT for bucket in parsed):
        raise ValueError(_FORM)
    return Limit(buckets=parsed)


def mailbox_of(address: Address) -> str:
    """Returns the name under which requests for one mailbox are counted, and nothing else is done.

    Many providers deliver `a.b+news@` to `ab@`. Where one does not, two people share a count: they may have to wait for
    each other's letters, nothing more.
    """
    local, _, domain = address.canonical.rpartition("@")
    folded = local.partition("+")[0].replace(".", "")
    return f"{folded or local}@{domain}".lower()


def source_of(address: IPv4Address | IPv6Address) -> str:
    """Returns the name under which requests from a network address are counted: of an IPv6 address its /56.

    That is the most a home is given (RFC 6177), and whoever has one may send each request from another address of it.
    """
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 56), strict=False))
    return str(address)


def source_named(shown: str) -> str:
    """Returns the same from a network address in text, as sessions have it; of nothing nothing."""
    return source_of(ip_address(shown)) if shown else ""

"""What becomes of an attempt: a closed set of types, so that a refusal can never be taken for a success.

Whoever handles an outcome matches all of them and ends in `assert_never`. A `name` is how ledger, logs and monitoring
know the outcome; a `reason` is a short machine token such as `5.1.1` or `connection_lost`: it may be reported and shown,
so it never holds words from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The server took responsibility: a 2yz reply after the final dot (RFC 5321, section 4.2.5)."""

    name: ClassVar[str] = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """A decoy: it went the whole way, and nothing is sent."""

    name: ClassVar[str] = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """Certainly not accepted, and worth another attempt.

    Attributes:
        reason: why.
        after: wait at least this long; zero leaves it to the schedule.
        tries: attempts of this letter after which it is given up; None means until it expires.
    """

    name: ClassVar[str] = "try_later"
    reason: str
    after: timedelta = timedelta()
    tries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """The final dot was sent and its reply never read: the letter may have been delivered.

    Attributes:
        reason: what happened instead of a reply.
        after: wait at least this long before sending again, under the same Message-ID.
        tries: how often this may happen to one letter before it is given up.
    """

    name: ClassVar[str] = "ambiguous"
    reason: str
    after: timedelta
    tries: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """It will not be sent unless a person acts."""

    name: ClassVar[str] = "dead"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The letter no longer makes sense, or will not by its next attempt."""

    name: ClassVar[str] = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Auth-service withdrew it before it was accepted."""

    name: ClassVar[str] = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Somebody else has a live claim on the letter; what becomes of it is theirs to say."""

    name: ClassVar[str] = "held"


Verdict: TypeAlias = Sent | TryLater | Ambiguous | Dead
"""What an SMTP server's answer, or its silence, can mean."""

Outcome: TypeAlias = Verdict | Discarded | Expired | Cancelled | Held

"""What becomes of an attempt: a closed set of types, so that a refusal can never be taken for a success.

Whoever handles an outcome matches all of them and ends in `assert_never`. A `name` is how ledger, logs and monitoring
know the outcome; a `reason` is a short machine token such as `5.1.1` or `connection_lost`: it may be reported and shown,
so it never holds words from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, auto
from typing import ClassVar, TypeAlias

from mailer_service.db.tables import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The server took responsibility: a 2yz reply after the final dot (RFC 5321, section 4.2.5)."""

    name: ClassVar[str] = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """A decoy: it went the whole way, and nothing is sent."""

    name: ClassVar[str] = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How often one letter may be refused in one way.

    Attributes:
        kind: a token for refusals that are counted together; others that come between them do not count.
        at_most: with the last of so many it is given up.
    """

    kind: str
    at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """Certainly not accepted, and worth another attempt.

    Attributes:
        reason: why.
        after: wait at least this long; zero leaves it to the schedule.
        tries: refusals of this kind after which it is given up; None means until it expires.
        same_provider: whether only the provider that said so may be asked again (greylisting knows its senders).
        ends_dead: whether a letter that cannot wait that long is dead for this reason, rather than expired.
    """

    name: ClassVar[str] = "try_later"
    reason: str
    after: timedelta = timedelta()
    tries: Tries | None = None
    same_provider: bool = False
    ends_dead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """The final dot was sent and its reply never read: the letter may have been delivered.

    Attributes:
        reason: what happened instead of a reply.
        after: wait at least this long before sending again, under the same Message-ID.
        tries: how often this may happen to one letter before it is left unconfirmed.
    """

    name: ClassVar[str] = "ambiguous"
    reason: str
    after: timedelta
    tries: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppress:
    """No more letters there, for the server said that nobody will ever read them.

    Attributes:
        scope: the recipient, or everybody in the recipient's domain.
        lifetime: for how long, or for how long this once counts; None means until a person removes it.
        after: how often it must be said before it holds.
        absent: whether there is no such mailbox for certain, so that nobody has got an earlier letter either.
    """

    scope: Scope
    lifetime: timedelta | None = None
    after: int = 1
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """No further copy is risked of a letter that a mail server may have: the reply to its final dot never came.

    Attributes:
        reason: what happened the last time.
        suppress: what that says of the letters that would follow.
    """

    name: ClassVar[str] = "unconfirmed"
    reason: str
    suppress: Suppress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """It will not be sent unless a person acts.

    Attributes:
        reason: why.
        suppress: what it says of the letters that would follow.
    """

    name: ClassVar[str] = "dead"
    reason: str
    suppress: Suppress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherProvider:
    """Certainly not accepted, for a reason that need not hold elsewhere: another provider may be asked, once.

    Attributes:
        reason: why.
        otherwise: what holds where no other provider is left.
    """

    name: ClassVar[str] = "other_provider"
    reason: str
    otherwise: TryLater | Dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Neither the letter nor its recipient is at fault: account or identity is refused, or no provider or ledger is there.

    It costs the letter no attempt; another provider may take it.

    Attributes:
        reason: why.
        after: wait at least this long.
    """

    name: ClassVar[str] = "pause"
    reason: str
    after: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The letter no longer makes sense, or will not by its next attempt."""

    name: ClassVar[str] = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Auth-service withdrew it before it was accepted."""

    name: ClassVar[str] = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """Nobody would read it: an earlier letter, or a person, said so. No server was asked."""

    name: ClassVar[str] = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Somebody else has a live claim on the letter; what becomes of it is theirs to say."""

    name: ClassVar[str] = "held"


Verdict: TypeAlias = Sent | TryLater | OtherProvider | Ambiguous | Dead | Pause
"""What an SMTP server's answer, or its silence, can mean."""


def without_another(verdict: Verdict) -> Sent | TryLater | Ambiguous | Dead | Pause:
    """Returns what a verdict means when nobody else can be asked."""
    return verdict.otherwise if isinstance(verdict, OtherProvider) else verdict


Outcome: TypeAlias = (
    Sent
    | TryLater
    | Ambiguous
    | Unconfirmed
    | Dead
    | Pause
    | Discarded
    | Expired
    | Cancelled
    | Suppressed
    | Held
)
"""What is left of a verdict once it is decided when and where the letter goes on, and what needs no verdict."""


class Concern(StrEnum):
    """Who should be treated with care after such an answer."""

    NONE = auto()
    PROVIDER = auto()
    """It is away or slow: fewer letters, or none, until it is back."""
    ACCOUNT = auto()
    """The provider does not take us as its customer: nothing more until a person has seen to it."""
    QUOTA = auto()
    """The provider takes no more from us for today; whether it does again, only a letter can tell."""
    SET_UP = auto()
    """We may not send like this; if several domains in a row say so, it is not theirs but ours to mend."""
    DOMAIN = auto()
    """The recipient's domain takes no more for now; others do."""
    RECIPIENT = auto()
    """The recipient's mailbox takes no more for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an answer means.

    Attributes:
        verdict: for the letter.
        concern: for those that follow it.
        alarm: whether a person should look, for time alone mends nothing.
    """

    verdict: Verdict
    concern: Concern = Concern.NONE
    alarm: bool = False

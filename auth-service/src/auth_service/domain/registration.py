"""A pending registration: an address, a password and a letter that asks for proof. Any number may be pending for one address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from auth_service.domain.campaign import HoldReason
from auth_service.domain.limit import Admission

JOIN_WINDOW: Final = timedelta(minutes=1)
"""The same address as typed with the same password again within this time is a double click: one registration, one letter."""

REPEAT_WINDOW: Final = timedelta(minutes=10)
"""The request that confirmed a registration gets the same answer for this long, so that a lost answer can be asked for again."""

REFUSAL_PERIOD: Final = timedelta(days=30)
"""How long a mailbox whose reader said "this wasn't me" gets no letters of registration."""

RESEND_AFTER: Final = timedelta(minutes=1)
"""When asking for the letter again makes sense at the soonest."""

REMIND_AFTER: Final = timedelta(hours=24)
"""When a registration that nobody confirmed gets its one letter of reminder: its first link and code are too old by then."""

REMIND_WITHIN: Final = timedelta(days=6)
"""Until when, if the worker was away: the reminder's link lives a day, and the registration seven."""


class EndedFor(StrEnum):
    """Why a registration is not pending any more. Nobody outside may learn it but from the letter, or if it was confirmed."""

    CONFIRMED = "confirmed"
    """It became the account."""
    OVERTAKEN = "overtaken"
    """Another registration of the address was confirmed."""
    TAKEN = "taken"
    """The address had an account when it was made; the account's owner was told."""
    REFUSED = "refused"
    """The mailbox's reader said that it was somebody else's."""


class SecondThing(StrEnum):
    """What confirmed a registration beside the letter's link or code."""

    REGISTRATION_SECRET = "registration_secret"  # noqa: S105 - a word, not a secret
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    OPERATOR = "operator"
    """Nothing: an operator vouched for both the mailbox and the registration."""


def resend_after(admission: Admission) -> int:
    """Returns the seconds until asking for the letter again makes sense.

    Sooner a mailbox may get none. The count of requests is all this depends on, and it is the same whoever lives there.
    """
    return max(int(RESEND_AFTER.total_seconds()), admission.whole_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A registration as a flow sees it.

    Attributes:
        id: of the registration; receipt, secret and refusal token are derived from it.
        email: as typed; its letters go to this spelling.
        canonical_email: the form by which accounts are unique.
        recipient_tag: what stands for the mailbox in tables and envelopes.
        password_hash: of the password that was typed; after a confirmation, of the one that counts.
        locale: BCP 47, the language of its letters.
        device: what it was made with, in words of ours; empty if unknown.
        secret_hash: SHA-256 of its `registration_secret`.
        created_at: by the database.
        ended_at: None while it is pending.
        ended_for: why it ended.
        confirmed_with: what confirmed it.
        held_for: why its letters are held, if they are.
    """

    id: UUID
    email: str
    canonical_email: str
    recipient_tag: str
    password_hash: str
    locale: str
    device: str
    secret_hash: bytes
    created_at: datetime
    ended_at: datetime | None
    ended_for: EndedFor | None
    confirmed_with: SecondThing | None
    held_for: HoldReason | None


def is_over(registration: Registration, *, has_account: bool) -> bool:
    """Says whether no letter of this registration has anything to say: its reader wants none, or the account is gone.

    Otherwise one is sent whatever became of the registration, or its receipt would tell: it asks for proof, or says that the
    address has an account.
    """
    ended = registration.ended_at is not None
    return registration.ended_for is EndedFor.REFUSED or (ended and not has_account)

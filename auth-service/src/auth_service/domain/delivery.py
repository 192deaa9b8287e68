"""The life of a letter as auth-service knows it: one table of transitions, read by relay, inbox and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class DeliveryState(StrEnum):
    """What is known of a letter."""

    ACCEPTED = "accepted"
    """Committed with its request; not yet taken by the broker."""
    QUEUED = "queued"
    """The broker confirmed it."""
    DEFERRED = "deferred"
    """An attempt failed for now; another follows."""
    SENT = "sent"
    """A mail server took responsibility for it."""
    UNCONFIRMED = "unconfirmed"
    """A mail server may have it: its reply never came, and no further copy is risked."""
    FAILED = "failed"
    """It will not be sent unless an operator acts."""
    EXPIRED = "expired"
    """It waited longer than it made sense."""
    SUPERSEDED = "superseded"
    """A newer letter took its place before it was sent."""
    SUPPRESSED = "suppressed"
    """Its recipient is not to be written to."""
    LIMITED = "limited"
    """It is never sent: too many were asked for to this mailbox, its reader wants none, or it was taken out of a hold."""


_S = DeliveryState
_SETTLED = frozenset({_S.SENT, _S.UNCONFIRMED, _S.FAILED, _S.EXPIRED, _S.SUPERSEDED, _S.SUPPRESSED})

TRANSITIONS: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = MappingProxyType(
    {
        # A report may overtake the relay's own note that the broker took the letter: all but `queued` skips it.
        # Only what never left may turn out to be never sent: a held letter that is taken out.
        _S.ACCEPTED: frozenset({_S.QUEUED, _S.DEFERRED, _S.LIMITED}) | _SETTLED,
        _S.QUEUED: frozenset({_S.DEFERRED}) | _SETTLED,
        _S.DEFERRED: frozenset({_S.DEFERRED}) | _SETTLED,
        # An operator may bring a dead letter back to life; what was said of it then is no longer the last word.
        _S.FAILED: frozenset({_S.DEFERRED}) | _SETTLED - {_S.FAILED},
        # So may an unconfirmed one, knowing that the mailbox may get a copy.
        _S.UNCONFIRMED: frozenset({_S.DEFERRED}) | _SETTLED - {_S.UNCONFIRMED},
        # And one whose suppression was a mistake.
        _S.SUPPRESSED: frozenset({_S.DEFERRED}) | _SETTLED - {_S.SUPPRESSED},
        _S.SENT: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.SUPERSEDED: frozenset(),
        _S.LIMITED: frozenset(),
    }
)
"""From each state, the states that may follow. Anything else is a late or repeated word and changes nothing."""

OPEN_STATES: Final = frozenset({_S.ACCEPTED, _S.QUEUED, _S.DEFERRED})
"""States of a letter on its way."""

WITHDRAWABLE_STATES: Final = OPEN_STATES | {_S.FAILED, _S.UNCONFIRMED, _S.SUPPRESSED}
"""States in which a letter may still be withdrawn; one that is dead or suppressed too, or an operator would bring a void link back to life."""


def may_follow(new: DeliveryState, current: DeliveryState) -> bool:
    """Says whether a letter in state `current` moves to `new`."""
    return new in TRANSITIONS[current]


def predecessors(new: DeliveryState) -> frozenset[DeliveryState]:
    """Returns the states from which `new` may be reached: the guard of an `UPDATE … WHERE state IN`."""
    return frozenset(state for state, following in TRANSITIONS.items() if new in following)

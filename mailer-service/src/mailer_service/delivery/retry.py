"""When a letter is tried again: pure policy, from an attempt's verdict to what is done about it.

The schedule is 10 s, 1 min, 5 min, 30 min, then every 2 h. A server that turned many letters away at once must not get
them all back at once: one in four goes a step further than the schedule says, one in four a step less far, but never
sooner than the verdict asks. No letter waits past its own expiry.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

from mail_contract.topology import WaitTier
from mailer_service.delivery.outcome import (
    Ambiguous,
    Dead,
    Expired,
    Pause,
    Sent,
    TryLater,
    Unconfirmed,
    Verdict,
    without_another,
)

TIERS = tuple(sorted(WaitTier, key=lambda tier: tier.delay))

Plan: TypeAlias = Sent | TryLater | Ambiguous | Unconfirmed | Dead | Pause | Expired


def plan(
    verdict: Verdict,
    *,
    attempt: int,
    ambiguities: int,
    remaining: timedelta,
    chance: float,
    refusals: int = 0,
) -> Plan:
    """Decides what follows from a verdict.

    Args:
        verdict: of this attempt.
        attempt: which attempt of the letter this was, from 1.
        ambiguities: how often the letter was left ambiguous, this time included.
        remaining: until the letter expires.
        chance: a random number in [0, 1).
        refusals: how often the letter was refused in this way, this time included; counted only where it matters.

    Returns:
        The verdict itself, its `after` set to the delay of a wait queue; or what replaces it.
    """
    verdict = without_another(verdict)
    if isinstance(verdict, Sent):
        return verdict
    # Whatever else happened since: once a server may have it, it is not for us to say that it was never sent.
    too_late: Expired | Unconfirmed = Unconfirmed(reason=verdict.reason) if ambiguities else Expired()
    end: Dead | Expired | Unconfirmed = too_late
    match verdict:
        case Dead():
            return _dead(verdict, ambiguities)
        case TryLater(reason=reason):
            if verdict.tries is not None and refusals >= verdict.tries.at_most:
                return _dead(Dead(reason=reason), ambiguities)
            if verdict.ends_dead:
                end = _dead(Dead(reason=reason), ambiguities)
        case Ambiguous():
            if ambiguities >= verdict.tries:
                return Unconfirmed(reason=verdict.reason)
        case Pause():
            return _pause(verdict, remaining) or too_late
    tier = next_tier(attempt=attempt, at_least=verdict.after, remaining=remaining, chance=chance)
    return end if tier is None else replace(verdict, after=tier.delay)


def _dead(verdict: Dead, ambiguities: int) -> Dead | Unconfirmed:
    """A letter that a server may have is dead only where there is nobody who could have got it."""
    absent = verdict.suppress is not None and verdict.suppress.absent
    if absent or not ambiguities:
        return verdict
    return Unconfirmed(reason=verdict.reason, suppress=verdict.suppress)


def _pause(verdict: Pause, remaining: timedelta) -> Pause | None:
    """A paused letter does not climb the schedule: it is back soon after its provider."""
    fitting = [tier for tier in TIERS if tier.delay <= verdict.after and tier.delay < remaining]
    return replace(verdict, after=fitting[-1].delay) if fitting else None


def next_tier(*, attempt: int, at_least: timedelta, remaining: timedelta, chance: float) -> WaitTier | None:
    """Returns where the letter waits for its next attempt, or None if it would expire there.

    A letter that cannot wait as long as it should, but a step less, waits that step less: the last attempt before its
    expiry is worth more than the schedule. What the verdict asks for is kept to all the same.
    """
    step = min(attempt - 1, len(TIERS) - 1) + _jitter(chance)
    wanted = TIERS[max(0, min(step, len(TIERS) - 1))].delay
    fitting = [tier for tier in TIERS if at_least <= tier.delay < remaining]
    if not fitting:
        return None
    not_longer = [tier for tier in fitting if tier.delay <= wanted]
    return not_longer[-1] if not_longer else fitting[0]


def kind_of(verdict: Verdict) -> str | None:
    """Returns under which kind a refusal is counted; None where it is not."""
    return verdict.tries.kind if isinstance(verdict, TryLater) and verdict.tries else None


def tier_of(after: timedelta) -> WaitTier:
    """Returns the wait queue for a delay: the longest that is not longer, the shortest if all are."""
    return next((tier for tier in reversed(TIERS) if tier.delay <= after), TIERS[0])


def _jitter(chance: float) -> int:
    if chance < 0.25:
        return -1
    return 1 if chance >= 0.75 else 0

"""What can be done with a letter that lies on the broker, and what follows from where the ledger has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias, assert_never
from uuid import UUID

from mail_contract.messages import DeliveryReport, ReportedState
from mail_contract.topology import CANCELLATION_ROUTE, Route, letter_route
from mailer_service.db.tables import LetterState
from mailer_service.deadletters.info import (
    Content,
    DeadCancellation,
    DeadEnvelope,
    LetterInfo,
    Unfit,
)
from mailer_service.deadletters.message import UNCONFIRMED
from mailer_service.delivery.dead_ledger import DeadLetterStatus
from mailer_service.reports import report_of


class Done(StrEnum):
    """What was done with a letter."""

    REDRIVEN = "redriven"
    HURRIED = "hurried"
    RENEWED = "expired"
    SENT_BEFORE = "sent_before"
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAgain:
    """It goes back the way it came; the ledger sees to it that it is sent once."""

    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class TellAuth:
    """It is not sent; auth-service is told what became of it, and the message goes."""

    report: DeliveryReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """It goes, and nobody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """It stays where it is.

    Attributes:
        reason: a short token.
    """

    reason: str


Action: TypeAlias = SendAgain | TellAuth | Discard | Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done with one dead letter.

    Attributes:
        info: which.
        action: what.
        done: how that is counted; of one that stays it means nothing.
        first: what should be mended before it is sent: a token, and what it is about.
    """

    info: LetterInfo
    action: Action
    done: Done
    first: tuple[str, str] | None = None


TOO_SOON = "too_soon"
"""A mail server may have it, and only after a minute is it safe to ask again."""
NEEDS_KEY = "unknown_key"
"""What is sealed or signed with a key that a mailer did not know comes back, unless the mailers know it by now."""


_ENDS: Mapping[LetterState, ReportedState] = {
    LetterState.ACCEPTED: ReportedState.SENT,
    LetterState.DISCARDED: ReportedState.SENT,
    LetterState.EXPIRED: ReportedState.EXPIRED,
    LetterState.CANCELLED: ReportedState.SUPERSEDED,
}
_TOLD: Mapping[ReportedState, Done] = {
    ReportedState.SENT: Done.SENT_BEFORE,
    ReportedState.EXPIRED: Done.RENEWED,
    ReportedState.SUPERSEDED: Done.WITHDRAWN,
}


def done_by(action: Action, *, sent: Done) -> Done:
    """Returns how an action is counted; `sent` where the letter goes."""
    return _TOLD[action.report.state] if isinstance(action, TellAuth) else sent


def action_for(content: Content, status: DeadLetterStatus | None) -> Action:
    """Decides what a redrive does with a dead letter.

    Args:
        content: what it turned out to be.
        status: its row, after dead letters were let go; None if the ledger does not know it. Then, and wherever a copy of
            it may be under way already, sending it again is safe: whoever claims it decides.
    """
    match content:
        case Unfit(reason=reason):
            return Keep(reason=reason)
        case DeadCancellation():
            return SendAgain(route=CANCELLATION_ROUTE)
        case DeadEnvelope(envelope=envelope):
            again = SendAgain(route=letter_route(envelope.header.letter_class))
            return again if status is None else _by_state(envelope.header.id, status, again)
    assert_never(content)


def _by_state(letter_id: UUID, status: DeadLetterStatus, again: SendAgain) -> Action:
    if not status.ours:
        return Keep(reason="replayed_id")
    match status.state:
        case LetterState.WAITING:
            return again
        case LetterState.CLAIMED | LetterState.TRANSMITTING:
            return Keep(reason="in_hand") if status.in_hand else again
        case LetterState.UNCONFIRMED:
            return Keep(reason=UNCONFIRMED)
        case LetterState.DEAD | LetterState.SUPPRESSED:
            return Keep(reason="dead_again")  # by a copy, in this very moment
        case ended:
            reported = _ENDS[ended]
            reason = "expired" if reported is ReportedState.EXPIRED else None
            return TellAuth(
                report=report_of(letter_id, reported, attempt=status.attempts, at=status.at, reason=reason)
            )


def as_if_revived(status: DeadLetterStatus, *, copies: bool = False) -> DeadLetterStatus:
    """Returns where a letter would stand if dead letters were let go, for a dry run.

    Args:
        status: where it stands.
        copies: whether unconfirmed letters are let go too.
    """
    goes = status.state in {LetterState.DEAD, LetterState.SUPPRESSED} or (
        copies and status.state is LetterState.UNCONFIRMED
    )
    if not goes or not status.ours:
        return status
    state = LetterState.EXPIRED if status.late else LetterState.WAITING
    return replace(status, state=LetterState.CANCELLED if status.withdrawn else state, in_hand=False)

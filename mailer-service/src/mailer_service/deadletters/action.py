"""Where a dead letter stands by the ledger, and what that means for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

from mail_contract.messages import DeliveryReport, ReportedState
from mail_contract.topology import CANCELLATION_ROUTE, Route, letter_route
from mailer_service.deadletters.headers import UNCONFIRMED
from mailer_service.deadletters.letter import Content, DeadCancellation, DeadEnvelope, Unfit
from mailer_service.reports import report_id
from mailer_service.store.tables import LetterState

_ENDS = {
    LetterState.ACCEPTED: ReportedState.SENT,
    LetterState.DISCARDED: ReportedState.SENT,
    LetterState.EXPIRED: ReportedState.EXPIRED,
    LetterState.SUPPRESSED: ReportedState.SUPPRESSED,
    LetterState.CANCELLED: ReportedState.SUPERSEDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterStatus:
    """A letter's row, compared with the envelope at hand.

    Attributes:
        state: its state.
        ours: whether the row is of this very envelope; one that was cancelled before it came is of any.
        in_hand: whether a living replica is working on it.
        withdrawn: whether auth-service cancelled it.
        late: whether it has expired.
        attempts: how many there were.
        at: now, by the database.
    """

    state: LetterState
    ours: bool
    in_hand: bool
    withdrawn: bool
    late: bool
    attempts: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAgain:
    """It goes back the way it came; the ledger sees to it that it is sent once."""

    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class TellAuth:
    """It is not sent; auth-service is told what became of it, and the message goes."""

    report: DeliveryReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """It stays where it is.

    Attributes:
        reason: a short token.
    """

    reason: str


Action: TypeAlias = SendAgain | TellAuth | Keep


def action_for(content: Content, standing: DeadLetterStatus | None) -> Action:
    """Decides what a redrive does with a dead letter.

    Args:
        content: what it turned out to be.
        standing: where it stands, after dead letters were let go; None if the ledger does not know it. Then, and
            wherever a copy of it may be under way already, sending it again is safe: whoever claims it decides.
    """
    match content:
        case Unfit(reason=reason):
            return Keep(reason=reason)
        case DeadCancellation():
            return SendAgain(route=CANCELLATION_ROUTE)
        case DeadEnvelope(envelope=envelope):
            again = SendAgain(route=letter_route(envelope.header.letter_class))
            return again if standing is None else _by_state(envelope.header.id, standing, again)
    assert_never(content)


def _by_state(letter_id: UUID, standing: DeadLetterStatus, again: SendAgain) -> Action:
    if not standing.ours:
        return Keep(reason="replayed_id")
    state = standing.state
    match state:
        case LetterState.WAITING:
            return again
        case LetterState.CLAIMED | LetterState.TRANSMITTING:
            return Keep(reason="in_hand") if standing.in_hand else again
        case LetterState.UNCONFIRMED:
            return Keep(reason=UNCONFIRMED)
        case LetterState.DEAD:
            return Keep(reason="dead_again")  # by a copy, in this very moment
        case (
            LetterState.ACCEPTED
            | LetterState.DISCARDED
            | LetterState.EXPIRED
            | LetterState.SUPPRESSED
            | LetterState.CANCELLED
        ):
            return TellAuth(report=_report(letter_id, _ENDS[state], standing))
    assert_never(state)


def as_if_revived(standing: DeadLetterStatus, *, copies: bool = False) -> DeadLetterStatus:
    """Returns where it would stand if dead letters were let go, for a dry run.

    Args:
        standing: where it stands.
        copies: whether unconfirmed letters are let go too.
    """
    if (
        standing.state not in {LetterState.DEAD, *([LetterState.UNCONFIRMED] if copies else [])}
        or not standing.ours
    ):
        return standing
    if standing.withdrawn:
        state = LetterState.CANCELLED
    else:
        state = LetterState.EXPIRED if standing.late else LetterState.WAITING
    return DeadLetterStatus(
        state=state,
        ours=True,
        in_hand=False,
        withdrawn=standing.withdrawn,
        late=standing.late,
        attempts=standing.attempts,
        at=standing.at,
    )


def _report(letter_id: UUID, state: ReportedState, standing: DeadLetterStatus) -> DeliveryReport:
    return DeliveryReport(
        id=report_id(letter_id, state, attempt=standing.attempts),
        letter_id=letter_id,
        state=state,
        at=standing.at,
        attempt=standing.attempts,
        reason="expired" if state is ReportedState.EXPIRED else None,
    )

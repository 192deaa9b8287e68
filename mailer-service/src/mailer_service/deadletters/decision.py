"""What a redrive or a drop does with each dead letter: the ledger is asked first, for a window of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, assert_never
from uuid import UUID, uuid5

from mail_contract.keys import VerifyingKeys
from mail_contract.messages import DeliveryReport, ReportedState
from mail_contract.topology import CANCELLATION_ROUTE, Route, letter_route
from mailer_service.db.tables import LetterState
from mailer_service.deadletters.info import (
    Content,
    DeadCancellation,
    DeadEnvelope,
    DeadLetterInfo,
    Unfit,
    examine,
)
from mailer_service.deadletters.message import UNCONFIRMED
from mailer_service.delivery.dead_ledger import DROPPED, DeadLedger, DeadLetterStatus, Letters
from mailer_service.reports import report_of


class Done(StrEnum):
    """What was done with a dead letter."""

    REDRIVEN = "redriven"
    RENEWED = "expired"
    SENT_BEFORE = "sent_before"
    WITHDRAWN = "withdrawn"
    SUPPRESSED = "suppressed"
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
    """What is done with one dead letter, and how that is counted; for one that stays `done` means nothing."""

    info: DeadLetterInfo
    action: Action
    done: Done


_ENDS: Mapping[LetterState, ReportedState] = {
    LetterState.ACCEPTED: ReportedState.SENT,
    LetterState.DISCARDED: ReportedState.SENT,
    LetterState.EXPIRED: ReportedState.EXPIRED,
    LetterState.SUPPRESSED: ReportedState.SUPPRESSED,
    LetterState.CANCELLED: ReportedState.SUPERSEDED,
}
_TOLD: Mapping[ReportedState, Done] = {
    ReportedState.SENT: Done.SENT_BEFORE,
    ReportedState.EXPIRED: Done.RENEWED,
    ReportedState.SUPPRESSED: Done.SUPPRESSED,
    ReportedState.SUPERSEDED: Done.WITHDRAWN,
}


def redrive(
    infos: Sequence[DeadLetterInfo],
    ledger: DeadLedger,
    *,
    keys: VerifyingKeys | None,
    dry_run: bool,
    copies: bool = False,
) -> Iterator[Decision]:
    """Lets dead letters be claimed again in the ledger and yields what follows for each; raises LedgerUnavailable.

    Args:
        infos: which.
        ledger: where they are let go.
        keys: auth's public keys, if they are at hand.
        dry_run: writes nothing and says what would be done.
        copies: whether unconfirmed ones go too, which a mailbox may have already.
    """
    contents = [examine(info, keys) for info in infos]
    if dry_run:
        looked = ledger.look(_letters(contents))
        statuses: Mapping[UUID, DeadLetterStatus] = {
            letter_id: as_if_revived(status, copies=copies) for letter_id, status in looked.items()
        }
    else:
        statuses = ledger.revive(_letters(contents), copies=copies)
    for info, content in zip(infos, contents, strict=True):
        status = statuses.get(content.envelope.header.id) if isinstance(content, DeadEnvelope) else None
        action = action_for(content, status)
        done = _TOLD[action.report.state] if isinstance(action, TellAuth) else Done.REDRIVEN
        yield Decision(info=info, action=action, done=done)


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
        case LetterState.DEAD:
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
    goes = status.state is LetterState.DEAD or (copies and status.state is LetterState.UNCONFIRMED)
    if not goes or not status.ours:
        return status
    state = LetterState.EXPIRED if status.late else LetterState.WAITING
    return replace(status, state=LetterState.CANCELLED if status.withdrawn else state, in_hand=False)


def drop(
    infos: Sequence[DeadLetterInfo], ledger: DeadLedger, *, keys: VerifyingKeys | None, dry_run: bool
) -> Iterator[Decision]:
    """Ends dead letters for good in the ledger and yields what follows for each; raises LedgerUnavailable.

    Args:
        infos: which.
        ledger: where they end.
        keys: auth's public keys, if they are at hand.
        dry_run: writes nothing and says what would be done.
    """
    contents = [examine(info, keys) for info in infos]
    letters = _letters(contents)
    statuses = ledger.look(letters) if dry_run else ledger.drop(letters)
    for info, content in zip(infos, contents, strict=True):
        action: Action = Discard()
        if isinstance(content, DeadEnvelope):
            letter_id = content.envelope.header.id
            status = statuses.get(letter_id)
            if status is not None:
                action = _dropped(letter_id, status, dry_run=dry_run)
            elif keys is not None:
                # Unless its signature was checked, nobody is told of a letter that anybody could have named.
                action = _told_of_the_drop(letter_id, attempt=0, at=ledger.now())
        yield Decision(info=info, action=action, done=Done.DROPPED)


def _dropped(letter_id: UUID, status: DeadLetterStatus, *, dry_run: bool) -> Action:
    if not status.ours:
        return Discard()
    if status.in_hand:
        return Keep(reason="in_hand")
    if status.state is LetterState.DEAD or (dry_run and status.state is not LetterState.UNCONFIRMED):
        return _told_of_the_drop(letter_id, attempt=status.attempts, at=status.at)
    return Discard()  # it came to another end, or is as unconfirmed as before, which auth-service knows


def _told_of_the_drop(letter_id: UUID, *, attempt: int, at: datetime) -> TellAuth:
    report = report_of(letter_id, ReportedState.FAILED, attempt=attempt, at=at, reason=DROPPED)
    # An id unlike that of the failure it died of, or it would pass for a repetition.
    other = uuid5(letter_id, f"{ReportedState.FAILED}:{attempt}:{DROPPED}")
    return TellAuth(report=report.model_copy(update={"id": other}))


def _letters(contents: Sequence[Content]) -> Letters:
    return {
        content.envelope.header.id: content.digest
        for content in contents
        if isinstance(content, DeadEnvelope)
    }

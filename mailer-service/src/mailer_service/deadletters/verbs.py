"""Redrive, hurry and drop: what each does with letters, the ledger being asked first for a window of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from mail_contract.keys import VerifyingKeys
from mail_contract.messages import ReportedState
from mailer_service.db.tables import LetterState
from mailer_service.deadletters.decision import (
    NEEDS_KEY,
    TOO_SOON,
    Action,
    Decision,
    Discard,
    Done,
    Keep,
    SendAgain,
    TellAuth,
    action_for,
    as_if_revived,
    done_by,
)
from mailer_service.deadletters.info import Content, DeadEnvelope, LetterInfo, examine
from mailer_service.deadletters.message import SUPPRESSED
from mailer_service.delivery.dead_ledger import DROPPED, DeadLedger, DeadLetterStatus, Letters
from mailer_service.reports import report_of


def redrive(
    infos: Sequence[LetterInfo],
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
    contents, looked = _examined(infos, ledger, keys)
    suppressed = ledger.suppressed([tag for info in infos for tag in (info.recipient, info.domain) if tag])
    gets_none = {info.key: why for info in infos if (why := _suppression(info, suppressed)) is not None}
    statuses = {letter_id: as_if_revived(status, copies=copies) for letter_id, status in looked.items()}
    stay = {
        info.key
        for info, content in zip(infos, contents, strict=True)
        if info.key in gets_none and isinstance(action_for(content, _status(content, statuses)), SendAgain)
    }
    if not dry_run:
        going = [one for info, one in zip(infos, contents, strict=True) if info.key not in stay]
        statuses = {**statuses, **ledger.revive(_letters(going), copies=copies)}
    for info, content in zip(infos, contents, strict=True):
        if info.key in stay:
            first = (SUPPRESSED, gets_none[info.key])
            yield Decision(info=info, action=Keep(reason=SUPPRESSED), done=Done.REDRIVEN, first=first)
            continue
        action = action_for(content, _status(content, statuses))
        done = done_by(action, sent=Done.REDRIVEN)
        yield Decision(info=info, action=action, done=done, first=_needs(info, content, action))


def _examined(
    infos: Sequence[LetterInfo], ledger: DeadLedger, keys: VerifyingKeys | None
) -> tuple[list[Content], Mapping[UUID, DeadLetterStatus]]:
    """Returns what dead letters turned out to be, and where they stand.

    Of an envelope that the ledger knows a mailer has checked the signature, and checks it again before it sends: to check
    thousands here would take seconds.
    """
    at_first = [examine(info, None) for info in infos]
    known = ledger.look(_letters(at_first))
    contents = [
        one if (status := _status(one, known)) is not None and status.ours else examine(info, keys)
        for info, one in zip(infos, at_first, strict=True)
    ]
    others = {letter_id: digest for letter_id, digest in _letters(contents).items() if letter_id not in known}
    return contents, {**known, **ledger.look(others)}


def _suppression(info: LetterInfo, suppressed: Mapping[str, str]) -> str | None:
    """Returns why a letter's recipient, or the whole domain, gets no letters; None if it does."""
    tags = (info.recipient, info.domain)
    return next((suppressed[tag] for tag in tags if tag is not None and tag in suppressed), None)


def _status(content: Content, statuses: Mapping[UUID, DeadLetterStatus]) -> DeadLetterStatus | None:
    return statuses.get(content.envelope.header.id) if isinstance(content, DeadEnvelope) else None


def _needs(info: LetterInfo, content: Content, action: Action) -> tuple[str, str] | None:
    if info.reason != NEEDS_KEY or not isinstance(content, DeadEnvelope) or not isinstance(action, SendAgain):
        return None
    envelope = content.envelope
    return NEEDS_KEY, f"sealed with {envelope.sealing_key_id}, signed with {envelope.signing_key_id}"


def hurry(
    infos: Sequence[LetterInfo], ledger: DeadLedger, *, keys: VerifyingKeys | None, dry_run: bool
) -> Iterator[Decision]:
    """Yields what follows for letters that shall wait no longer, and writes it down; raises LedgerUnavailable.

    Args:
        infos: which.
        ledger: what knows where they stand.
        keys: auth's public keys, if they are at hand.
        dry_run: writes nothing and says what would be done.
    """
    contents = [examine(info, keys) for info in infos]
    statuses = ledger.look(_letters(contents))
    actions = [
        action_for(content, status)
        if (status := _status(content, statuses)) is None or not status.early
        else Keep(reason=TOO_SOON)
        for content in contents
    ]
    if not dry_run:
        going = [one for one, action in zip(contents, actions, strict=True) if isinstance(action, SendAgain)]
        ledger.hurry(_letters(going))
    for info, action in zip(infos, actions, strict=True):
        done = done_by(action, sent=Done.HURRIED)
        yield Decision(info=info, action=action, done=done)


def drop(
    infos: Sequence[LetterInfo], ledger: DeadLedger, *, keys: VerifyingKeys | None, dry_run: bool
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
    if status.state is LetterState.DEAD or (
        dry_run and status.state not in {LetterState.UNCONFIRMED, LetterState.SUPPRESSED}
    ):
        return _told_of_the_drop(letter_id, attempt=status.attempts, at=status.at)
    return (
        Discard()
    )  # it came to another end, or is as unconfirmed or suppressed as before, which auth-service knows


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

"""Ends dead letters for good: the ledger keeps them as dead, auth-service is told, the message goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from mail_contract.keys import VerifyingKeys
from mail_contract.messages import DeliveryReport, ReportedState
from mailer_service.deadletters.action import DeadLetterStatus, Keep, TellAuth
from mailer_service.deadletters.info import DeadLetterInfo
from mailer_service.deadletters.ledger import DROPPED, DeadLedger
from mailer_service.deadletters.letter import Content, DeadEnvelope, examine
from mailer_service.deadletters.run import Decision, Discard, Step
from mailer_service.deadletters.summary import Done
from mailer_service.store.tables import LetterState


class Drop:
    """Decides for a window of dead letters; `dry_run` writes nothing and says what would be done."""

    def __init__(self, ledger: DeadLedger, *, keys: VerifyingKeys | None, dry_run: bool) -> None:
        self._ledger = ledger
        self._keys = keys
        self._dry_run = dry_run

    def decide(self, infos: Sequence[DeadLetterInfo]) -> Iterator[Decision]:
        """Ends them in the ledger and yields what follows for each; raises LedgerUnavailable."""
        contents = [examine(info, self._keys) for info in infos]
        letters = [content for content in contents if isinstance(content, DeadEnvelope)]
        standings = self._ledger.look(letters) if self._dry_run else self._ledger.drop(letters)
        for info, content in zip(infos, contents, strict=True):
            step = self._step(content, standings)
            yield Decision(info=info, step=step, done=Done.DROPPED)

    def _step(self, content: Content, standings: Mapping[UUID, DeadLetterStatus]) -> Step:
        if not isinstance(content, DeadEnvelope):
            return Discard()
        letter_id = content.envelope.header.id
        standing = standings.get(letter_id)
        if standing is None:
            # Unless its signature was checked, nobody is told of a letter that anybody could have named.
            return Discard() if self._keys is None else self._told(letter_id, attempt=0, at=None)
        if not standing.ours:
            return Discard()
        if standing.in_hand:
            return Keep(reason="in_hand")
        if standing.state is not LetterState.UNCONFIRMED and (
            self._dry_run or standing.state is LetterState.DEAD
        ):
            return self._told(letter_id, attempt=standing.attempts, at=standing.at)
        return Discard()  # it came to another end, or is as unconfirmed as before, which auth-service knows

    def _told(self, letter_id: UUID, *, attempt: int, at: datetime | None) -> TellAuth:
        report = DeliveryReport(
            # Unlike that of the failure it died of, or it would pass for a repetition.
            id=uuid5(letter_id, f"{ReportedState.FAILED}:{attempt}:{DROPPED}"),
            letter_id=letter_id,
            state=ReportedState.FAILED,
            at=at or self._ledger.now(),
            attempt=attempt,
            reason=DROPPED,
        )
        return TellAuth(report=report)

"""Ends dead letters for good: the ledger keeps them as dead, auth-service is told, the message goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from mail_contract.keys import VerifyingKeys
from mail_contract.messages import DeliveryReport, ReportedState
from mailer_service.deadletters.ledger import DROPPED, DeadLedger
from mailer_service.deadletters.letter import Content, DeadEnvelope, examine
from mailer_service.deadletters.obituary import Obituary
from mailer_service.deadletters.round import Decision, Discard, Step
from mailer_service.deadletters.standing import DeadStanding, Keep, TellAuth
from mailer_service.deadletters.tally import Done
from mailer_service.store.tables import LetterState


class Drop:
    """Decides for a window of dead letters; `rehearsal` writes nothing and says what would be done."""

    def __init__(self, ledger: DeadLedger, *, keys: VerifyingKeys | None, rehearsal: bool) -> None:
        self._ledger = ledger
        self._keys = keys
        self._rehearsal = rehearsal

    def decide(self, obituaries: Sequence[Obituary]) -> Iterator[Decision]:
        """Ends them in the ledger and yields what follows for each; raises LedgerUnavailable."""
        contents = [examine(obituary, self._keys) for obituary in obituaries]
        letters = [content for content in contents if isinstance(content, DeadEnvelope)]
        standings = self._ledger.look(letters) if self._rehearsal else self._ledger.drop(letters)
        for obituary, content in zip(obituaries, contents, strict=True):
            step = self._step(content, standings)
            yield Decision(obituary=obituary, step=step, done=Done.DROPPED)

    def _step(self, content: Content, standings: Mapping[UUID, DeadStanding]) -> Step:
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
            self._rehearsal or standing.state is LetterState.DEAD
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

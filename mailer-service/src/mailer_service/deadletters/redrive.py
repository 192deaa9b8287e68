"""Sends dead letters again, once what they died of is mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never
from uuid import UUID

from mail_contract.keys import VerifyingKeys
from mail_contract.messages import ReportedState
from mailer_service.deadletters.ledger import DeadLedger
from mailer_service.deadletters.letter import Content, DeadEnvelope, examine
from mailer_service.deadletters.obituary import Obituary
from mailer_service.deadletters.round import Decision
from mailer_service.deadletters.standing import (
    DeadStanding,
    Fate,
    Keep,
    SendAgain,
    TellAuth,
    as_if_revived,
    fate_of,
)
from mailer_service.deadletters.tally import Done

_TOLD: Mapping[ReportedState, Done] = {
    ReportedState.EXPIRED: Done.RENEWED,
    ReportedState.SENT: Done.SENT_BEFORE,
    ReportedState.SUPERSEDED: Done.WITHDRAWN,
    ReportedState.SUPPRESSED: Done.SUPPRESSED,
}


class Redrive:
    """Decides for a window of dead letters; `rehearsal` writes nothing and says what would be done.

    An unconfirmed letter stays unless `copies` are accepted: its mailbox may have it already.
    """

    def __init__(
        self, ledger: DeadLedger, *, keys: VerifyingKeys | None, rehearsal: bool, copies: bool = False
    ) -> None:
        self._copies = copies
        self._ledger = ledger
        self._keys = keys
        self._rehearsal = rehearsal

    def decide(self, obituaries: Sequence[Obituary]) -> Iterator[Decision]:
        """Lets the dead among them go in the ledger and yields what follows for each; raises LedgerUnavailable."""
        contents = [examine(obituary, self._keys) for obituary in obituaries]
        standings = self._standings([content for content in contents if isinstance(content, DeadEnvelope)])
        for obituary, content in zip(obituaries, contents, strict=True):
            fate = fate_of(content, _standing_of(content, standings))
            yield Decision(obituary=obituary, step=fate, done=_done_by(fate))

    def _standings(self, letters: Sequence[DeadEnvelope]) -> Mapping[UUID, DeadStanding]:
        if not self._rehearsal:
            return self._ledger.revive(letters, copies=self._copies)
        return {
            letter_id: as_if_revived(standing, copies=self._copies)
            for letter_id, standing in self._ledger.look(letters).items()
        }


def _standing_of(content: Content, standings: Mapping[UUID, DeadStanding]) -> DeadStanding | None:
    return standings.get(content.envelope.header.id) if isinstance(content, DeadEnvelope) else None


def _done_by(fate: Fate) -> Done:
    match fate:
        case SendAgain() | Keep():
            return Done.REDRIVEN
        case TellAuth(report=report):
            return _TOLD[report.state]
    assert_never(fate)

"""Sends dead letters again, once what they died of is mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never
from uuid import UUID

from mail_contract.keys import VerifyingKeys
from mail_contract.messages import ReportedState
from mailer_service.deadletters.action import (
    Action,
    DeadLetterStatus,
    Keep,
    SendAgain,
    TellAuth,
    action_for,
    as_if_revived,
)
from mailer_service.deadletters.info import DeadLetterInfo
from mailer_service.deadletters.ledger import DeadLedger
from mailer_service.deadletters.letter import Content, DeadEnvelope, examine
from mailer_service.deadletters.run import Decision
from mailer_service.deadletters.summary import Done

_TOLD: Mapping[ReportedState, Done] = {
    ReportedState.EXPIRED: Done.RENEWED,
    ReportedState.SENT: Done.SENT_BEFORE,
    ReportedState.SUPERSEDED: Done.WITHDRAWN,
    ReportedState.SUPPRESSED: Done.SUPPRESSED,
}


class Redrive:
    """Decides for a window of dead letters; `dry_run` writes nothing and says what would be done.

    An unconfirmed letter stays unless `copies` are accepted: its mailbox may have it already.
    """

    def __init__(
        self, ledger: DeadLedger, *, keys: VerifyingKeys | None, dry_run: bool, copies: bool = False
    ) -> None:
        self._copies = copies
        self._ledger = ledger
        self._keys = keys
        self._dry_run = dry_run

    def decide(self, infos: Sequence[DeadLetterInfo]) -> Iterator[Decision]:
        """Lets the dead among them go in the ledger and yields what follows for each; raises LedgerUnavailable."""
        contents = [examine(info, self._keys) for info in infos]
        standings = self._standings([content for content in contents if isinstance(content, DeadEnvelope)])
        for info, content in zip(infos, contents, strict=True):
            action = action_for(content, _standing_of(content, standings))
            yield Decision(info=info, step=action, done=_done_by(action))

    def _standings(self, letters: Sequence[DeadEnvelope]) -> Mapping[UUID, DeadLetterStatus]:
        if not self._dry_run:
            return self._ledger.revive(letters, copies=self._copies)
        return {
            letter_id: as_if_revived(standing, copies=self._copies)
            for letter_id, standing in self._ledger.look(letters).items()
        }


def _standing_of(content: Content, standings: Mapping[UUID, DeadLetterStatus]) -> DeadLetterStatus | None:
    return standings.get(content.envelope.header.id) if isinstance(content, DeadEnvelope) else None


def _done_by(action: Action) -> Done:
    match action:
        case SendAgain() | Keep():
            return Done.REDRIVEN
        case TellAuth(report=report):
            return _TOLD[report.state]
    assert_never(action)

"""Claiming a letter that seems to be in hand, by somebody who may have died this moment."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from mailer_service.db.tables import LetterState
from mailer_service.delivery.attempt import Attempt
from mailer_service.delivery.claim import Claim, LetterStatus
from mailer_service.delivery.outcome import Held
from mailer_service.delivery.waiter import StopSignal, Waiter
from mailer_service.metrics import Metrics
from mailer_service.worker.pipeline import Pipeline
from support.outgoing import SENDER, header

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLAIM = Claim(
    letter_id=uuid4(),
    fence=2,
    attempt=2,
    ambiguities=1,
    first_seen=NOW,
    claimed_at=NOW,
    remaining=timedelta(hours=1),
)
ENVELOPE = cast("Any", SimpleNamespace(header=header(), signature="signed"))


def status(state: LetterState) -> LetterStatus:
    return LetterStatus(state=state, attempts=1, reason=None, reply=None, first_seen=NOW, at=NOW)


class Ledger:
    """Answers as it was told, and goes on with the last answer."""

    def __init__(self, *answers: Claim | LetterStatus) -> None:
        self._answers = list(answers)
        self.claims = 0

    def claim(self, *_: Any, **__: Any) -> Claim | LetterStatus:
        self.claims += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def claimed(ledger: Ledger, *, stopping: bool = False) -> Attempt:
    stop, unused = StopSignal(), cast("Any", None)
    if stopping:
        stop.set()
    pipeline = Pipeline(
        opener=unused,
        hasher=unused,
        route=unused,
        renderer=unused,
        sender=SENDER,
        ledger=cast("Any", ledger),
        keeper=unused,
        waiter=Waiter(stop=stop, ledger_answers=lambda: True),
        follow_up=unused,
        metrics=Metrics(),
        attempt_seconds=20.0,
    )
    return pipeline._claim(ENVELOPE, None, provider=None)


@pytest.mark.parametrize("state", [LetterState.CLAIMED, LetterState.TRANSMITTING])
def test_it_is_claimed_once_its_holder_is_known_to_be_dead(state: LetterState) -> None:
    ledger = Ledger(status(state), status(state), CLAIM)
    assert claimed(ledger).claim is CLAIM
    assert ledger.claims == 3


def test_a_holder_who_lives_keeps_it() -> None:
    ledger = Ledger(status(LetterState.TRANSMITTING))
    attempt = claimed(ledger)
    assert attempt.claim is None
    assert attempt.outcome == Held()
    assert ledger.claims == 5


@pytest.mark.parametrize("state", sorted(set(LetterState) - {LetterState.CLAIMED, LetterState.TRANSMITTING}))
def test_a_letter_nobody_holds_is_looked_at_once(state: LetterState) -> None:
    ledger = Ledger(status(state))
    assert claimed(ledger).claim is None
    assert ledger.claims == 1


def test_a_stop_ends_the_looking() -> None:
    ledger = Ledger(status(LetterState.CLAIMED))
    assert claimed(ledger, stopping=True).claim is None
    assert ledger.claims == 1

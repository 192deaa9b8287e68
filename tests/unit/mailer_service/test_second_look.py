"""A letter that seems to be held, by somebody who may have died this moment."""

from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import uuid4

import pytest

from mailer_service.delivery.claim import Claim, Standing
from mailer_service.delivery.patience import Patience
from mailer_service.delivery.second_look import claim_or_look_again
from mailer_service.store.tables import LetterState

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


def standing(state: LetterState) -> Standing:
    return Standing(state=state, attempts=1, reason=None, reply=None, first_seen=NOW, at=NOW)


def patience(*, stopping: bool = False) -> Patience:
    stop = Event()
    if stopping:
        stop.set()
    return Patience(stopping=stop, ledger_answers=lambda: True)


class Ledger:
    """Answers as it was told, and goes on with the last answer."""

    def __init__(self, *answers: Claim | Standing) -> None:
        self._answers = list(answers)
        self.looks = 0

    def take(self) -> Claim | Standing:
        self.looks += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.mark.parametrize("state", [LetterState.CLAIMED, LetterState.TRANSMITTING])
def test_it_is_claimed_once_its_holder_is_known_to_be_dead(state: LetterState) -> None:
    ledger = Ledger(standing(state), standing(state), CLAIM)
    assert claim_or_look_again(ledger.take, patience=patience()) is CLAIM
    assert ledger.looks == 3


def test_a_holder_who_lives_keeps_it() -> None:
    ledger = Ledger(standing(LetterState.TRANSMITTING))
    found = claim_or_look_again(ledger.take, patience=patience())
    assert isinstance(found, Standing)
    assert ledger.looks == 5


@pytest.mark.parametrize("state", sorted(set(LetterState) - {LetterState.CLAIMED, LetterState.TRANSMITTING}))
def test_a_letter_nobody_holds_is_looked_at_once(state: LetterState) -> None:
    ledger = Ledger(standing(state))
    claim_or_look_again(ledger.take, patience=patience())
    assert ledger.looks == 1


def test_a_stop_ends_the_looking() -> None:
    ledger = Ledger(standing(LetterState.CLAIMED))
    claim_or_look_again(ledger.take, patience=patience(stopping=True))
    assert ledger.looks == 1

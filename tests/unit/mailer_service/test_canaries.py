"""A few letters go first: how many, how long they are waited for, and when the others stay."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import pytest

from mailer_service.db.tables import LetterState
from mailer_service.deadletters.canaries import CAME_BACK, MANY, UNDECIDED, USUAL, Canaries

WAITING, ACCEPTED, DEAD = LetterState.WAITING, LetterState.ACCEPTED, LetterState.DEAD
PATIENCE = 10.0
Status = tuple[LetterState, str | None]


class Ledger:
    """What became of letters; `later` is what becomes of all once somebody has waited."""

    def __init__(self, *statuses: Status, later: Status | None = None) -> None:
        self.now = 0.0
        self._statuses = list(statuses)
        self._later = later

    def statuses(self, letter_ids: Sequence[UUID]) -> Mapping[UUID, Status]:
        if self._later and self.now > 1:
            return dict.fromkeys(letter_ids, self._later)
        return dict(zip(letter_ids, self._statuses, strict=False))

    def passes(self, seconds: float) -> None:
        self.now += seconds


def canaries(ledger: Ledger, *, size: int = USUAL, many: int = MANY) -> Canaries:
    return Canaries(size=size, many=many, patience=PATIENCE, sleep=ledger.passes, clock=lambda: ledger.now)


def judged(*statuses: Status, later: Status | None = None, reason: str = "5.7.1") -> int | str:
    """What is said to a hundred more, with these statuses of the five that went first."""
    ledger = Ledger(*statuses, later=later)
    few = canaries(ledger)
    assert few.portion(reason, 105, ledger) == USUAL
    few.went(reason, [uuid4() for _ in range(USUAL)])
    return few.portion(reason, 100, ledger)


def test_a_few_letters_go_without_ado() -> None:
    ledger = Ledger()
    assert canaries(ledger).portion("5.7.1", MANY, ledger) == MANY
    assert ledger.now == 0


def test_the_others_go_once_the_first_have_arrived() -> None:
    assert judged(*[(ACCEPTED, None)] * 5) == 100
    assert judged(*[(WAITING, None)] * 5, later=(ACCEPTED, None)) == 100


@pytest.mark.parametrize("state", [DEAD, LetterState.UNCONFIRMED])
def test_one_that_comes_back_for_its_old_reason_stops_the_others_at_once(state: LetterState) -> None:
    assert judged(*[(ACCEPTED, None)] * 4, (state, "5.7.1")) == CAME_BACK


def test_a_letter_left_unconfirmed_again_came_back_whatever_was_said() -> None:
    unconfirmed = (LetterState.UNCONFIRMED, "connection_lost")
    assert judged(*[(ACCEPTED, None)] * 4, unconfirmed, reason="unconfirmed") == CAME_BACK


def test_one_that_dies_of_something_else_stops_nobody_unless_all_do() -> None:
    assert judged(*[(ACCEPTED, None)] * 4, (DEAD, "5.1.1")) == 100
    assert judged(*[(DEAD, "5.1.1")] * 5) == CAME_BACK


def test_without_a_word_within_the_time_nothing_more_goes() -> None:
    assert judged(*[(WAITING, "4.3.0")] * 5) == UNDECIDED
    assert judged() == UNDECIDED, "the ledger knows none of them"
    assert judged((ACCEPTED, None), *[(WAITING, None)] * 4) == 100, "one arrived"


def test_it_stops_later_too_once_more_came_back_than_went_first() -> None:
    ledger = Ledger(*[(ACCEPTED, None)] * 5, later=(DEAD, "5.7.1"))
    few = canaries(ledger)
    few.went("5.7.1", [uuid4() for _ in range(USUAL)])
    assert few.portion("5.7.1", 1000, ledger) == 1000
    few.went("5.7.1", [uuid4() for _ in range(500)])
    ledger.now = 2
    assert few.portion("5.7.1", 500, ledger) == CAME_BACK
    assert few.portion("5.7.1", 500, ledger) == CAME_BACK


def test_reasons_are_judged_apart() -> None:
    ledger = Ledger(*[(DEAD, "5.7.1")] * 5)
    few = canaries(ledger)
    few.went("5.7.1", [uuid4() for _ in range(USUAL)])
    assert few.portion("5.7.1", 100, ledger) == CAME_BACK
    assert few.portion("4.3.0", 100, ledger) == USUAL


def test_what_is_asked_for_goes_first_of_few_as_well() -> None:
    ledger = Ledger()
    assert canaries(ledger, size=2, many=2).portion("5.7.1", 3, ledger) == 2

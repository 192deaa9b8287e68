"""A convoy: everybody gets their own answer, those who come meanwhile go together, one bad question harms no other."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from mailer_service.batcher import Batcher
from support.eventually import eventually


class Unfit(Exception):
    pass


class Away(Exception):
    pass


class Road:
    """Doubles numbers; refuses 13 by its answer, fails on a trip with 7, and on any while it is away."""

    def __init__(self) -> None:
        self.trips: list[list[int]] = []
        self.open = Event()
        self.open.set()
        self.away = False

    def carry(self, questions: Sequence[int]) -> list[int | Exception]:
        self.trips.append(list(questions))
        assert self.open.wait(10)
        if self.away:
            raise Away
        if 7 in questions:
            raise Unfit(7)
        return [Unfit(question) if question == 13 else 2 * question for question in questions]


@pytest.fixture
def road() -> Road:
    return Road()


@pytest.fixture
def batcher(road: Road) -> Batcher[int, int]:
    return Batcher(road.carry, concerns_all=lambda error: isinstance(error, Away), most=5)


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


def gathered(
    road: Road, batcher: Batcher[int, int], crowd: ThreadPoolExecutor, questions: Sequence[int]
) -> list[Future[int]]:
    """Asks the first question, and the others while it is under way."""
    road.open.clear()
    first = crowd.submit(batcher.ask, questions[0])
    eventually(lambda: len(road.trips) == 1)
    others = []
    for number, question in enumerate(questions[1:], start=1):
        others.append(crowd.submit(batcher.ask, question))
        eventually(lambda number=number: len(batcher._waiting) == number)  # type: ignore[misc]
    road.open.set()
    return [first, *others]


def test_whoever_comes_alone_goes_at_once(road: Road, batcher: Batcher[int, int]) -> None:
    assert [batcher.ask(1), batcher.ask(2)] == [2, 4]
    assert road.trips == [[1], [2]]


def test_those_who_come_meanwhile_go_together_and_each_gets_its_own_answer(
    road: Road, batcher: Batcher[int, int], crowd: ThreadPoolExecutor
) -> None:
    answers = gathered(road, batcher, crowd, [1, 2, 3, 4])
    assert [answer.result(10) for answer in answers] == [2, 4, 6, 8]
    assert road.trips == [[1], [2, 3, 4]]


def test_a_trip_has_its_bound_and_the_rest_follow(
    road: Road, batcher: Batcher[int, int], crowd: ThreadPoolExecutor
) -> None:
    answers = gathered(road, batcher, crowd, [*range(1, 8), 14])[0:6]
    assert [answer.result(10) for answer in answers] == [2, 4, 6, 8, 10, 12]
    assert road.trips[:2] == [[1], [2, 3, 4, 5, 6]]


def test_an_answer_that_is_an_error_is_raised_to_whoever_asked(
    road: Road, batcher: Batcher[int, int], crowd: ThreadPoolExecutor
) -> None:
    good, bad, other = gathered(road, batcher, crowd, [1, 13, 3])
    with pytest.raises(Unfit):
        bad.result(10)
    assert (good.result(10), other.result(10)) == (2, 6)


def test_a_trip_that_fails_is_made_again_by_each_alone(
    road: Road, batcher: Batcher[int, int], crowd: ThreadPoolExecutor
) -> None:
    first, good, bad, other = gathered(road, batcher, crowd, [1, 2, 7, 3])
    with pytest.raises(Unfit):
        bad.result(10)
    assert [first.result(10), good.result(10), other.result(10)] == [2, 4, 6]
    assert road.trips == [[1], [2, 7, 3], [2], [7], [3]]


def test_what_concerns_everybody_is_told_to_everybody_at_once(
    road: Road, batcher: Batcher[int, int], crowd: ThreadPoolExecutor
) -> None:
    road.away = True
    for answer in gathered(road, batcher, crowd, [1, 2, 3]):
        with pytest.raises(Away):
            answer.result(10)
    assert road.trips == [[1], [2, 3]]
    road.away = False
    assert batcher.ask(4) == 8


def test_a_crowd_is_served_to_the_last(batcher: Batcher[int, int], crowd: ThreadPoolExecutor) -> None:
    numbers = [number for number in range(2000) if number not in {7, 13}]
    assert list(crowd.map(batcher.ask, numbers)) == [2 * number for number in numbers]

"""The judge of the statistical tests: lets pass what is alike, and nothing that shows."""

import random

import pytest

from support.ranks import area_under_curve, deviation
from support.telling_apart import Samples, assert_alike, in_turn

CHANCE = random.Random(20261127)  # noqa: S311


def noise(count: int, shift: float = 0.0) -> list[float]:
    return [CHANCE.gauss(shift) for _ in range(count)]


def test_samples_of_one_kind_are_alike() -> None:
    assert_alike(lambda _: {"known": noise(500), "unknown": noise(500)})


def test_a_shift_of_a_third_of_the_spread_shows() -> None:
    # It puts the figure at 0.59.
    with pytest.raises(AssertionError):
        assert_alike(lambda _: {"known": noise(500, 0.33), "unknown": noise(500)})


def test_a_look_that_is_outside_counts_together_with_the_next() -> None:
    portions: list[Samples] = [
        {"known": [1.0] * 100, "unknown": [0.0] * 100},
        {"known": [0.0] * 90 + [1.0] * 10, "unknown": [1.0] * 90 + [0.0] * 10},
    ]
    assert_alike(portions.__getitem__)
    with pytest.raises(AssertionError):
        assert_alike([portions[0], portions[0]].__getitem__)


def test_a_real_difference_hardly_gains_by_the_second_look() -> None:
    def passes(shift: float) -> bool:
        try:
            assert_alike(lambda _: {"known": noise(500, shift), "unknown": noise(500)})
        except AssertionError:
            return False
        return True

    # It puts the figure at 0.58.
    assert sum(passes(0.2855) for _ in range(150)) <= 20


def test_the_spread_is_what_chance_makes_it() -> None:
    seen = [area_under_curve(noise(40), noise(60)) for _ in range(400)]
    measured = (sum((figure - 0.5) ** 2 for figure in seen) / len(seen)) ** 0.5
    assert measured == pytest.approx(deviation(40, 60), rel=0.15)


def test_everybody_has_a_turn_each_round() -> None:
    turns = in_turn(["a", "b", "c"], 4)
    assert [sorted(name for name, number in turns if number == n) for n in range(4)] == [["a", "b", "c"]] * 4

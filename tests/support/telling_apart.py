"""The judgement that nobody can tell classes of people apart by a number, such as how long an answer took.

Two classes are alike while the chance that one of the first is above one of the second is within 0.45 to 0.55. The figure has
a spread of its own: of two samples of 500 of the same kind it is outside once in 160 times, of 1,000 once in 9,000 times.

So nothing is judged before every planned sample is taken: of few samples many real differences look favourable once. What is
outside then is no accident to be tried again for luck; as many samples more are taken, once, and all of them together are judged.
With 500 planned, a real 0.58 passes so 54 times in 1,000, and judged once only 50 times; a real 0.60 3 times, and 3; a real 0.56
358 times, and 291. What is alike fails less than once in 5,000 times a pair instead of once in 160, so that a failure is a finding.
The classes are measured in turn, in an order drawn afresh each round, and share the machine's hiccups.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from support.ranks import area_under_curve

LOW, HIGH = 0.45, 0.55
LOOKS = 2
"""Times the planned samples are taken at most."""

Samples = Mapping[str, Sequence[float]]


def figures(samples: Samples, pairs: Iterable[tuple[str, str]] = ()) -> dict[str, float]:
    """The figure of each of these pairs of classes, or of every pair."""
    return {
        f"{one} / {other}": round(area_under_curve(samples[one], samples[other]), 3)
        for one, other in (pairs or combinations(samples, 2))
    }


def assert_alike(measure: Callable[[int], Samples], *, pairs: Sequence[tuple[str, str]] = ()) -> None:
    """Judge what is measured; see above.

    Args:
        measure: takes the planned samples, by class; told 0, and 1 where as many more are wanted.
        pairs: of classes that must be alike; every two of them if none is named.
    """
    together: dict[str, list[float]] = {}
    seen: list[dict[str, float]] = []
    for portion in range(LOOKS):
        for name, samples in measure(portion).items():
            together.setdefault(name, []).extend(samples)
        seen.append(figures(together, pairs))
        print(f"{min(map(len, together.values()))} samples a class: {seen[-1]}")
        if all(LOW <= figure <= HIGH for figure in seen[-1].values()):
            return
    raise AssertionError(seen)


def in_turn(classes: Sequence[str], rounds: int) -> list[tuple[str, int]]:
    """Every class once a round, in an order drawn afresh each round; with the number of the round."""
    return [(name, number) for number in range(rounds) for name in random.sample(classes, len(classes))]

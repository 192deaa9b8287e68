"""Telling two samples apart by their order alone."""

from collections.abc import Sequence
from math import sqrt


def area_under_curve(these: Sequence[float], those: Sequence[float]) -> float:
    """Return the chance that one of `these` is greater than one of `those` (Mann-Whitney U over n*m).

    0.5 says that nobody can tell them apart, 0 or 1 that everybody can.
    """
    pooled = sorted([(value, True) for value in these] + [(value, False) for value in those])
    rank_sum, place = 0.0, 0
    while place < len(pooled):
        end = place
        while end < len(pooled) and pooled[end][0] == pooled[place][0]:
            end += 1
        rank_sum += (place + 1 + end) / 2 * sum(is_this for _, is_this in pooled[place:end])
        place = end
    return (rank_sum - len(these) * (len(these) + 1) / 2) / (len(these) * len(those))


def deviation(these: int, those: int) -> float:
    """Return the standard deviation of that figure where there is nothing to tell apart, for samples of these sizes.

    Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other" (1947).
    """
    return sqrt((these + those + 1) / (12 * these * those))

"""Answers of which nobody can tell one from another."""

from collections.abc import Mapping
from itertools import combinations

from werkzeug.test import TestResponse


def shape(answer: TestResponse) -> tuple[int, int, list[tuple[str, int]]]:
    """Everything of an answer but the random characters in it."""
    headers = sorted((name, len(value)) for name, value in answer.headers.items())
    return answer.status_code, len(answer.data), headers


def assert_same_shape(answers: Mapping[str, TestResponse]) -> None:
    for one, other in combinations(answers.values(), 2):
        assert shape(one) == shape(other)
        assert one.get_json().keys() == other.get_json().keys()

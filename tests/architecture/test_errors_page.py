"""docs/errors.md says every code there is, and no other."""

import re
from pathlib import Path

import pytest

from auth_service.domain.guessing import Weakness
from auth_service.http import health
from auth_service.http.flaws import DETAILS
from auth_service.http.problems import Problem
from support.auth_api import AuthApi

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def first_column(text: str, heading: str) -> list[str]:
    """The codes of the table that begins with this heading."""
    table = text.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)


def test_every_problem_is_explained_with_its_status(text: str) -> None:
    page = AuthApi.on("postgresql://auth@127.0.0.1:1/auth").get("/docs").text
    public = re.findall(r'id="problem-(\w+)"><td>(\d+)</td>', page)
    ops = [
        (value.code, str(value.status.value)) for value in vars(health).values() if isinstance(value, Problem)
    ]
    explained = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text, flags=re.MULTILINE)

    assert sorted(explained) == sorted([*public, *ops])


def test_every_flaw_of_a_field_is_explained_with_its_params(text: str) -> None:
    params = dict(re.findall(r"^\| `(\w+)` \| ((?:`\w+`: [^|]*)?)\|", text, flags=re.MULTILINE))

    assert first_column(text, "code | params") == list(params)
    assert set(params) == set(DETAILS)
    for code, sentence in DETAILS.items():
        assert set(re.findall(r"\{(\w+)\}", sentence)) <= set(re.findall(r"`(\w+)`", params[code]))


def test_every_reason_is_explained(text: str) -> None:
    assert set(first_column(text, "reason")) == set(Weakness)

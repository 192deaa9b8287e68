"""Dead letters counted for an operator, and chosen by one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailer_service.cli.dead_list import Age, group_text, grouped
from mailer_service.deadletters.info import LetterInfo
from mailer_service.deadletters.message import QueuedMessage
from mailer_service.deadletters.selection import Selection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def died(ago: timedelta | None, *, reason: str = "5.1.1", reply: str | None = None) -> LetterInfo:
    return LetterInfo(
        message=QueuedMessage(tag=1, body=b"", size=0, fingerprint="", properties={}, headers={}),
        id="6b0c4f0a-0000-4000-8000-000000000001",
        reason=reason,
        derived=False,
        letter="verify_address",
        letter_class="urgent",
        reply=reply,
        attempts=1,
        provider="smtp.example:25",
        recipient="0123456789abcdef",
        domain="fedcba9876543210",
        first_seen=None,
        created_at=None,
        died_at=None if ago is None else NOW - ago,
        incoming=None,
    )


@pytest.mark.parametrize(
    ("ago", "age"),
    [
        (timedelta(minutes=59), Age.HOUR),
        (timedelta(hours=1), Age.DAY),
        (timedelta(days=1), Age.WEEK),
        (timedelta(days=7), Age.OLDER),
        (timedelta(minutes=-5), Age.HOUR),
        (None, Age.UNKNOWN),
    ],
)
def test_ages(ago: timedelta | None, age: Age) -> None:
    (group,) = grouped([died(ago)], now=NOW)
    assert group.age is age


def test_a_group_has_reason_class_and_age_in_common_and_the_largest_comes_first() -> None:
    hour, day = timedelta(minutes=5), timedelta(hours=5)
    groups = grouped([died(hour, reason="expired"), died(day), died(day), died(hour)], now=NOW)
    assert [(group.reason, group.age, group.count) for group in groups] == [
        ("5.1.1", Age.DAY, 2),
        ("5.1.1", Age.HOUR, 1),
        ("expired", Age.HOUR, 1),
    ]


def test_a_group_shows_the_words_of_the_one_that_died_last() -> None:
    minutes = [timedelta(minutes=n) for n in (30, 10, 20)]
    (group,) = grouped([died(ago, reply=f"550 {ago.seconds}") for ago in minutes], now=NOW)
    assert group.reply == "550 600"
    assert (group.oldest, group.newest) == (NOW - minutes[0], NOW - minutes[1])


def test_the_table_shows_nothing_raw() -> None:
    groups = grouped([died(timedelta(0), reason="\x1b[31m", reply="\x07" * 300)], now=NOW)
    text = "\n".join(group_text(groups, now=NOW))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_everything_a_selection_says_must_hold() -> None:
    one = died(timedelta(0))
    assert Selection().takes(one)
    assert Selection(ids=("nothing", "6b0c4f0a")).takes(one)
    assert Selection(reasons=frozenset({"5.1.1", "expired"}), letters=frozenset({"verify_address"})).takes(
        one
    )
    assert not Selection(reasons=frozenset({"5.1.1"}), letters=frozenset({"account_exists"})).takes(one)
    assert not Selection(letters=frozenset({"verify_address"})).takes(replace(one, letter=None))


@pytest.mark.parametrize(
    ("fits", "does_not"),
    [
        (Selection(classes=frozenset({"urgent"})), Selection(classes=frozenset({"bulk"}))),
        (
            Selection(providers=frozenset({"smtp.example:25"})),
            Selection(providers=frozenset({"smtp.example"})),
        ),
        (
            Selection(domains=frozenset({"fedcba9876543210"})),
            Selection(domains=frozenset({"0123456789abcdef"})),
        ),
        (Selection(older=timedelta(days=1)), Selection(older=timedelta(days=365_000))),
    ],
)
def test_a_selection_goes_by_class_provider_domain_and_age(fits: Selection, does_not: Selection) -> None:
    one = died(timedelta(0))
    assert fits.takes(one)
    assert not does_not.takes(one)


def test_what_does_not_say_how_old_it_is_is_not_older_than_anything() -> None:
    assert not Selection(older=timedelta(0)).takes(died(None))

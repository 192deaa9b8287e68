from datetime import timedelta

import pytest

from auth_service.domain.address import parse_address
from auth_service.domain.campaign import RegistrationCount, Suspicion, parse_suspicion
from auth_service.domain.limit import Admission, Bucket, Limit, mailbox_of, parse_limit


def test_a_limit_is_one_bucket_or_several() -> None:
    assert parse_limit("1/minute 5/hour  10/day") == Limit(
        buckets=(
            Bucket(count=1, period=timedelta(minutes=1)),
            Bucket(count=5, period=timedelta(hours=1)),
            Bucket(count=10, period=timedelta(days=1)),
        )
    )
    assert parse_limit("1000/second").buckets == (Bucket(count=1000, period=timedelta(seconds=1)),)


def test_a_limit_may_be_off() -> None:
    assert parse_limit("off").is_off
    assert not parse_limit("1/day").is_off


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0/minute",
        "-1/minute",
        "1",
        "1/week",
        "1/minutes",
        "1 / minute",
        "1001/day",
        "1/minute off",
        "٣/day",
        "1/minute,5/hour",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="COUNT/PERIOD"):
        parse_limit(text)


@pytest.mark.parametrize(
    "spelling",
    [
        "linhtran@example.com",
        "Linh.Tran@Example.com",
        "l.i.n.h.t.r.a.n+news@example.com",
        "linhtran+a+b.c@example.com",
    ],
)
def test_dots_and_plus_tags_are_folded_where_requests_are_counted(spelling: str) -> None:
    assert mailbox_of(parse_address(spelling)) == "linhtran@example.com"


def test_a_mailbox_that_is_nothing_but_a_tag_keeps_its_name() -> None:
    assert mailbox_of(parse_address("+tag@example.com")) == "+tag@example.com"


def test_seconds_to_wait_are_rounded_up() -> None:
    assert Admission(admitted=False, seconds=0.2).whole_seconds == 1
    assert Admission(admitted=True, seconds=0).whole_seconds == 0


def test_a_campaign_is_many_registrations_of_which_few_are_confirmed() -> None:
    suspicion = parse_suspicion("50/hour 10%")
    assert suspicion == Suspicion(registered=50, period=timedelta(hours=1), percent=10)
    assert suspicion.is_raised_by(RegistrationCount(registered=50, confirmed=4))
    assert not suspicion.is_raised_by(RegistrationCount(registered=50, confirmed=5))
    assert not suspicion.is_raised_by(RegistrationCount(registered=49, confirmed=0))
    assert parse_suspicion("off") is None


@pytest.mark.parametrize(
    "text", ["", "50/hour", "10%", "0/hour 10%", "50/minute 10%", "50/hour 0%", "50/hour 100%"]
)
def test_any_other_suspicion_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="COUNT/PERIOD PERCENT%"):
        parse_suspicion(text)

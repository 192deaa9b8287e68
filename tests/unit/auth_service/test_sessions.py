"""The rules of refresh tokens."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from auth_service.domain.session import RETRY_WINDOW, AccountSession, Presented, judge
from auth_service.security.secrets import KeyedHash, Secret

NOW = datetime(2026, 11, 1, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("used_at", "expected"),
    [
        (None, Presented.FRESH),
        (NOW, Presented.REPEATED),
        (NOW - RETRY_WINDOW, Presented.REPEATED),
        (NOW - RETRY_WINDOW - A_SECOND, Presented.REUSED),
    ],
)
def test_a_refresh_token_is_good_once_and_repeated_for_ten_seconds(
    used_at: datetime | None, expected: Presented
) -> None:
    assert judge(used_at, NOW) is expected


def test_a_successor_is_always_the_same_and_another_for_every_token_and_key() -> None:
    keyed, token = KeyedHash("a key"), Secret.new()
    assert keyed.successor_of(token) == keyed.successor_of(token)
    chain = [token]
    for _ in range(20):
        chain.append(keyed.successor_of(chain[-1]))
    assert len(set(chain)) == len(chain)
    assert {len(each.text) for each in chain} == {43}
    assert KeyedHash("another").successor_of(token) != keyed.successor_of(token)


def session(**changes: datetime | None) -> AccountSession:
    times = {"idle_until": NOW + A_SECOND, "ended_at": None} | changes
    return AccountSession(
        id=uuid4(),
        account_id=uuid4(),
        client_id="postern",
        amr=("pwd",),
        auth_time=NOW,
        device="",
        source="",
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + timedelta(days=90),
        **times,  # type: ignore[arg-type]
    )


def test_a_session_is_open_until_it_is_ended_or_idle_too_long() -> None:
    assert session().is_open(NOW)
    assert not session(idle_until=NOW).is_open(NOW)
    assert not session(ended_at=NOW).is_open(NOW)

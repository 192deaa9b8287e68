"""Refresh tokens: each is good once, a lost answer can be asked for again, and a stolen one ends the session."""

import pytest

from support.auth_api import AuthApi
from support.signed_in import REFRESH, REVOKE, SESSIONS, SignedIn, add_account, sign_in
from support.tokens import part

LINH = "linh@example.com"


@pytest.fixture
def linh(api: AuthApi) -> SignedIn:
    add_account(api, LINH)
    return sign_in(api, LINH)


def earlier(api: AuthApi, seconds: int) -> None:
    """Let so much time pass for refresh tokens that were used."""
    api.sql("UPDATE refresh_tokens SET used_at = used_at - %s * interval '1 second'", seconds)


def test_a_refresh_token_brings_the_next_and_an_access_token_of_the_same_session(
    api: AuthApi, linh: SignedIn
) -> None:
    later = SignedIn.of(api, linh.refresh())
    latest = SignedIn.of(api, later.refresh())
    assert len({linh.refresh_token, later.refresh_token, latest.refresh_token}) == 3
    assert {part(each.access_token, 1)["sid"] for each in (linh, later, latest)} == {
        str(api.sql("SELECT id FROM sessions")[0][0])
    }
    assert part(latest.access_token, 1)["auth_time"] == part(linh.access_token, 1)["auth_time"]
    assert latest.is_open


def test_only_hashes_of_refresh_tokens_are_kept(api: AuthApi, linh: SignedIn) -> None:
    later = SignedIn.of(api, linh.refresh())
    everything = str(api.sql("SELECT * FROM refresh_tokens")) + str(api.sql("SELECT * FROM sessions"))
    everything += str(api.sql("SELECT * FROM audit_events"))
    for token in (linh.refresh_token, later.refresh_token):
        assert token not in everything
    assert api.sql("SELECT octet_length(hash) FROM refresh_tokens") == [(32,)] * 2


def test_the_same_token_within_ten_seconds_gets_the_same_successor(api: AuthApi, linh: SignedIn) -> None:
    first = SignedIn.of(api, linh.refresh())
    earlier(api, 9)
    again = SignedIn.of(api, linh.refresh())
    assert again.refresh_token == first.refresh_token
    assert again.is_open


def test_the_same_token_later_ends_the_session_for_both_who_have_it(api: AuthApi, linh: SignedIn) -> None:
    thief = SignedIn.of(api, linh.refresh())
    earlier(api, 11)
    answer = linh.refresh()
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "invalid_refresh_token"
    assert thief.refresh().status_code == 401
    assert not thief.is_open
    assert not linh.is_open
    assert api.sql("SELECT ended_for FROM sessions") == [("reused",)]
    assert api.sql("SELECT action, result FROM audit_events ORDER BY id")[1:] == [
        ("refresh_reuse", "refused")
    ]


def test_reuse_ends_no_other_session(api: AuthApi, linh: SignedIn) -> None:
    other = sign_in(api, LINH)
    linh.refresh()
    earlier(api, 11)
    linh.refresh()
    assert other.is_open


@pytest.mark.timeout(60)
def test_fifty_at_once_get_one_successor_and_nobody_is_signed_out(api: AuthApi, linh: SignedIn) -> None:
    answers = api.insist([(REFRESH, {"refresh_token": linh.refresh_token})] * 50)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1
    assert api.count("refresh_tokens") == 2
    assert SignedIn.of(api, answers[0]).is_open


def test_a_session_nobody_uses_ends_after_its_idle_time_and_each_use_puts_that_off(
    api: AuthApi, linh: SignedIn
) -> None:
    api.sql("UPDATE sessions SET idle_until = now() + interval '1 minute'")
    later = SignedIn.of(api, linh.refresh())
    ((left,),) = api.sql("SELECT extract(epoch FROM idle_until - now())::float FROM sessions")
    assert 13.9 * 86400 < left <= 14 * 86400
    api.sql("UPDATE sessions SET idle_until = now() - interval '1 second'")
    assert later.refresh().status_code == 401
    assert not later.is_open


def test_no_use_puts_off_the_end_of_its_whole_life(api: AuthApi, linh: SignedIn) -> None:
    api.sql(
        "UPDATE sessions SET expires_at = now() + interval '1 hour', idle_until = now() + interval '1 minute'"
    )
    answer = linh.refresh()
    assert 3500 < answer.get_json()["refresh_expires_in"] <= 3600


def test_whoever_has_only_the_refresh_token_signs_out_with_it_used_or_not(
    api: AuthApi, linh: SignedIn
) -> None:
    later = SignedIn.of(api, linh.refresh())
    answer = api.post(REVOKE, {"refresh_token": linh.refresh_token})
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert not later.is_open
    assert later.refresh().status_code == 401
    assert api.sql("SELECT ended_for FROM sessions") == [("signed_out",)]


@pytest.mark.parametrize("token", ["x", "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU"])
def test_revoking_what_is_unknown_is_answered_as_ever_and_refreshing_it_is_not(
    api: AuthApi, linh: SignedIn, token: str
) -> None:
    assert api.post(REVOKE, {"refresh_token": token}).status_code == 200
    assert api.post(REFRESH, {"refresh_token": token}).status_code == 401
    assert linh.is_open


def test_a_disabled_account_has_no_session(api: AuthApi, linh: SignedIn) -> None:
    with_another = sign_in(api, LINH)
    api.sql("UPDATE accounts SET disabled_at = now()")
    api.sql("UPDATE sessions SET ended_at = now(), ended_for = 'disabled'")
    for each in (linh, with_another):
        assert each.refresh().status_code == 401
        assert not each.is_open
    assert api.post(SESSIONS, {"email": LINH, "password": "three boats at dawn"}).status_code == 401


def test_where_a_session_was_last_used_is_shown(api: AuthApi, linh: SignedIn) -> None:
    ((before,),) = api.sql("SELECT last_used_at FROM sessions")
    linh.refresh()
    ((after,),) = api.sql("SELECT last_used_at FROM sessions")
    assert after > before

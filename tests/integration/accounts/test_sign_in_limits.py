"""Guessing passwords: limited by source, by address and in all, without a word about who has an account."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

from auth_service.domain.session import DISTRUSTED, SessionEnd
from support.altcha_client import solve
from support.auth_api import PASSWORD, AuthApi
from support.database import Database
from support.limited_api import later, limited_api, post_from
from support.signed_in import REAUTHENTICATE, REFRESH, SESSIONS, SignedIn, add_account

LINH, HOME, ELSEWHERE = "linh@example.com", "192.0.2.1", "198.51.100.7"
MINUTE = timedelta(minutes=1)
MakeApi = Callable[..., AuthApi]


@pytest.fixture
def make_api(auth_database: Database) -> MakeApi:
    def make(**limits: str) -> AuthApi:
        api = limited_api(auth_database.url, **limits)
        add_account(api, LINH)
        return api

    return make


def attempt(
    api: AuthApi, password: str = PASSWORD, *, source: str = HOME, email: str = LINH, **more: str
) -> TestResponse:
    return post_from(source, api, SESSIONS, {"email": email, "password": password, **more})


def wrong(api: AuthApi, *, source: str = HOME, email: str = LINH, **more: str) -> TestResponse:
    return attempt(api, f"not {PASSWORD}", source=source, email=email, **more)


def test_a_source_has_so_many_wrong_passwords_and_right_ones_do_not_count(make_api: MakeApi) -> None:
    api = make_api(limit_source_sign_in="2/minute")
    for _ in range(4):
        assert attempt(api).status_code == 201
    assert [wrong(api, email=f"{n}@example.com").status_code for n in range(3)] == [401, 401, 429]
    over = attempt(api)
    assert (over.status_code, over.get_json()["code"]) == (429, "rate_limited")
    assert 0 < int(over.headers["Retry-After"]) <= 60
    assert attempt(api, source=ELSEWHERE).status_code == 201
    later(api, MINUTE)
    assert attempt(api).status_code == 201


def test_of_thirty_at_once_exactly_as_many_are_compared_as_the_limit_says(make_api: MakeApi) -> None:
    api = make_api(limit_source_sign_in="5/minute")
    with ThreadPoolExecutor(10) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: wrong(api), range(30))]
    assert statuses.count(401) == 5
    assert statuses.count(429) == 25


@pytest.mark.parametrize("email", [LINH, "nobody@example.com"])
def test_over_an_addresss_limit_the_right_password_is_refused_like_a_wrong_one_known_or_not(
    make_api: MakeApi, email: str
) -> None:
    api = make_api(limit_sign_in="2/minute 3/hour")
    answers = [wrong(api, email=email), wrong(api, email=email), attempt(api, email=email)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.get_json()["detail"], len(answer.data)) for answer in answers}) == 1
    assert api.count("sessions") == 0
    # It grows: after a minute one more may be tried, then none within the hour.
    later(api, MINUTE)
    assert wrong(api, email=email).status_code == 401
    later(api, MINUTE)
    assert attempt(api, email=email).status_code == 401
    later(api, timedelta(hours=1))
    assert attempt(api, email=email).status_code == (201 if email == LINH else 401)


def test_right_passwords_use_up_nothing_of_an_addresss_limit(make_api: MakeApi) -> None:
    api = make_api(limit_sign_in="2/minute")
    assert [attempt(api).status_code for _ in range(5)] == [201] * 5


def test_strangers_who_guess_do_not_keep_a_person_out_of_where_they_signed_in_before(
    make_api: MakeApi,
) -> None:
    api = make_api(limit_sign_in="2/minute")
    assert attempt(api).status_code == 201
    for _ in range(5):
        wrong(api, source=ELSEWHERE)
    assert attempt(api, source=ELSEWHERE).status_code == 401
    assert attempt(api).status_code == 201
    assert [wrong(api).status_code for _ in range(2)] == [401, 401]
    assert attempt(api).status_code == 401, "guesses from there are limited as well"


def test_of_an_ipv6_network_every_address_is_where_somebody_signed_in_before(make_api: MakeApi) -> None:
    api = make_api(limit_sign_in="2/minute")
    assert attempt(api, source="2001:db8:0:1200::1").status_code == 201
    for _ in range(3):
        wrong(api, source=ELSEWHERE)
    assert attempt(api, source="2001:db8:0:12ff::2").status_code == 201
    assert attempt(api, source="2001:db8:0:1300::1").status_code == 401


@pytest.mark.parametrize("end", DISTRUSTED)
def test_where_a_session_came_from_that_may_have_been_a_thiefs_is_not_known(
    make_api: MakeApi, end: SessionEnd
) -> None:
    api = make_api(limit_sign_in="2/minute")
    assert attempt(api).status_code == 201
    api.sql("UPDATE sessions SET ended_at = now(), ended_for = %s", end.value)
    for _ in range(3):
        wrong(api, source=ELSEWHERE)
    assert attempt(api).status_code == 401


def test_beyond_a_limit_nothing_more_is_written_to_the_audit(make_api: MakeApi) -> None:
    api = make_api(limit_sign_in="2/minute")
    for _ in range(6):
        wrong(api)
    assert api.count("audit_events") == 2


def test_every_refused_sign_in_waits_for_the_disk_known_or_not_within_a_limit_or_over_it(
    make_api: MakeApi,
) -> None:
    api = make_api(limit_sign_in="1/minute")
    seen: list[list[str]] = []
    listen = ("before_cursor_execute", lambda *call: seen[-1].append(call[2]))
    event.listen(Engine, *listen)
    try:
        for email in (LINH, LINH, "nobody@example.com", "nobody@example.com"):
            seen.append([])
            assert wrong(api, email=email).status_code == 401
    finally:
        event.remove(Engine, *listen)
    assert len({len(statements) for statements in seen}) == 1
    for statements in seen:
        last = [each for each in statements if "limits" not in each][-1]
        assert "INSERT INTO audit_events" in last or "pg_logical_emit_message" in last


def test_while_very_many_are_wrong_everywhere_a_password_needs_a_proof_of_work_known_or_not(
    make_api: MakeApi,
) -> None:
    api = make_api(limit_all_sign_in="2/minute")
    for number in range(2):
        assert wrong(api, email=f"{number}@example.com").status_code == 401
    for email in (LINH, "nobody@example.com"):
        asked = attempt(api, email=email)
        assert (asked.status_code, asked.get_json()["code"]) == (428, "proof_required")
    proof = solve(asked.get_json())
    assert attempt(api, proof=proof).status_code == 201
    assert attempt(api, proof=proof).status_code == 428, "each proof is good once"
    assert attempt(api, proof="x").status_code == 428
    later(api, MINUTE)
    assert attempt(api).status_code == 201


def test_proving_it_again_is_limited_by_the_session_and_the_source(make_api: MakeApi) -> None:
    api = make_api(limit_sign_in="2/minute", limit_source_sign_in="9/minute")
    linh = SignedIn.of(api, attempt(api, source="127.0.0.1"))

    def again(password: str) -> tuple[int, str]:
        answer = linh.call("POST", REAUTHENTICATE, {"password": password})
        return answer.status_code, answer.get_json().get("code", "")

    assert again(PASSWORD)[0] == 200
    assert [again("wrong")[1] for _ in range(2)] == ["wrong_password"] * 2
    assert again(PASSWORD) == (403, "wrong_password")
    for _ in range(7):
        again("wrong")
    assert again(PASSWORD) == (429, "rate_limited")


def test_whoever_is_signed_in_proves_it_again_and_changes_the_account_while_very_many_are_wrong_everywhere(
    make_api: MakeApi,
) -> None:
    api = make_api(limit_all_sign_in="1/minute")
    linh = SignedIn.of(api, attempt(api))
    wrong(api, email="nobody@example.com")
    assert attempt(api).status_code == 428
    other, new = (
        "four rivers in the rain",
        {"current_password": PASSWORD, "password": "four rivers in the rain"},
    )
    assert linh.call("POST", REAUTHENTICATE, {"password": PASSWORD}).status_code == 200
    assert linh.call("POST", REAUTHENTICATE, {"password": "wrong"}).status_code == 403
    assert linh.call("PUT", "/v1/account/password", new).status_code == 204
    assert linh.call("POST", "/v1/account/deletion", {"password": other}).status_code == 204


def test_refresh_tokens_that_are_not_good_are_limited_by_source_and_good_ones_never(
    make_api: MakeApi,
) -> None:
    api = make_api(limit_source_sign_in="1/minute", limit_source_refresh="2/minute")
    linh = SignedIn.of(api, attempt(api))
    statuses = [post_from(HOME, api, REFRESH, {"refresh_token": "x"}).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert post_from(HOME, api, REFRESH, {"refresh_token": linh.refresh_token}).status_code == 200
    assert attempt(api).status_code == 201, "nobody is kept from signing in by an old token of a neighbour"


def test_what_the_limits_of_signing_in_decided_is_counted(make_api: MakeApi) -> None:
    api = make_api(limit_sign_in="1/minute", limit_source_sign_in="3/minute")
    for _ in range(4):
        wrong(api)
    exposed = api.get_ops("/metrics").text
    for limit, admitted, count in (
        ("sign_in", "yes", 1),
        ("sign_in", "no", 2),
        ("source_sign_in", "yes", 3),
        ("source_sign_in", "no", 1),
    ):
        assert f'auth_limit_decisions_total{{admitted="{admitted}",limit="{limit}"}} {count}.0' in exposed

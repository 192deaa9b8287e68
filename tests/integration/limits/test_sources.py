"""Requests from one network address are limited, on every call that takes any, before anything is computed for them."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from auth_service import constant_time
from auth_service.domain.limit import parse_limit
from support.auth_api import AuthApi
from support.database import Database
from support.limited_api import post_from, registration

MakeApi = Callable[..., AuthApi]
PATH = "/v1/registrations"
ALWAYS_ANSWERED = "/v1/sessions/revoke"
"""RFC 7009: 200 for anything; what is not known costs one look at an index."""


@pytest.fixture
def api(make_api: MakeApi) -> AuthApi:
    kinds = ("limit_source", "limit_source_codes", "limit_source_sign_in", "limit_source_refresh")
    return make_api(**dict.fromkeys(kinds, "2/hour"))


def posts(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every call that takes a body, once for each body it takes, with the examples of the description."""
    schemas = document["components"]["schemas"]
    for path, calls in document["paths"].items():
        # Whoever is signed in is known, and limited by that.
        if (
            "post" in calls
            and path != ALWAYS_ANSWERED
            and "access_token" not in str(calls["post"].get("security"))
        ):
            content = calls["post"]["requestBody"]["content"].get("application/json")
            for name in re.findall(r"schemas/(\w+)", str(content)):
                fields = schemas[name]["properties"].items()
                yield path, {field: schema["examples"][0] for field, schema in fields if "examples" in schema}


def test_every_call_that_changes_something_is_limited(api: AuthApi) -> None:
    found = list(posts(api.get("/openapi.json").get_json()))
    assert len(found) >= 6
    for path, body in found:
        if "registration_secret" in body:
            body.pop("password", None)
        api.sql("DELETE FROM limits")
        first, _, third = (api.post(path, body) for _ in range(3))
        assert first.status_code not in {404, 405, 422, 429}, (path, first.text)
        assert third.status_code == 429, (path, body)
        assert third.get_json()["code"] == "rate_limited"
        assert 3590 <= int(third.headers["Retry-After"]) <= 3600


def test_nothing_is_hashed_or_written_for_a_request_over_the_limit(api: AuthApi) -> None:
    answers = [api.post(PATH, registration()) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429, 429]
    assert api.count("registrations") == 2
    assert api.count("letters") == 2


GUESSABLE = "passwordpassword"
CODE = {"email": "linh@example.com", "code": "00000000"}


@pytest.mark.parametrize(
    ("path", "body"),
    [(PATH, {"email": "linh@example.com"}), ("/v1/verifications", CODE)],
    ids=["new", "code"],
)
def test_no_password_is_judged_for_a_request_over_the_limit_and_all_flaws_are_told_below_it(
    api: AuthApi, path: str, body: dict[str, str]
) -> None:
    def flaws(**more: object) -> dict[str, str]:
        answer = api.post(path, {**body, **more})
        assert answer.status_code == 422, answer.text
        return {flaw["pointer"]: flaw["code"] for flaw in answer.get_json()["errors"]}

    # What costs nothing to find is told without being counted.
    for _ in range(3):
        assert flaws(password="short", email="nope") == {
            "#/password": "too_short",
            "#/email": "invalid_address",
        }
    assert flaws(password=GUESSABLE) == {"#/password": "guessable"}
    assert flaws(password=GUESSABLE, email="nope", admin=1) == {
        "#/email": "invalid_address",
        "#/admin": "unknown",
        "#/password": "guessable",
    }
    for more in ({}, {"email": "nope"}):
        assert api.post(path, {**body, "password": GUESSABLE, **more}).status_code == 429


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/registrations/resend", {"email": "linh@example.com"}),
        ("/v1/registrations/resend", {"registration_secret": "x"}),
        ("/v1/verifications", CODE),
    ],
)
def test_whoever_is_over_the_limit_keeps_no_thread_waiting(
    api: AuthApi, path: str, body: dict[str, str]
) -> None:
    def seconds() -> float:
        started = time.monotonic()
        api.post(path, body)
        return time.monotonic() - started

    assert min(seconds() for _ in range(2)) >= constant_time.SECONDS
    assert min(seconds() for _ in range(20)) < constant_time.SECONDS


def test_whoever_asks_is_refused_alike(api: AuthApi) -> None:
    api.verify("known@example.com")
    api.post(PATH, registration())
    refused = [api.post(PATH, registration(email)) for email in ("known@example.com", "other@example.com")]
    assert [answer.status_code for answer in refused] == [429, 429]
    assert len({len(answer.data) for answer in refused}) == 1


def test_each_address_and_each_home_of_ipv6_has_a_count_of_its_own(api: AuthApi) -> None:
    def statuses(*sources: str) -> list[int]:
        return [post_from(source, api, PATH, registration()).status_code for source in sources]

    assert statuses("198.51.100.1", "198.51.100.1", "198.51.100.1", "198.51.100.2") == [202, 202, 429, 202]
    assert statuses("2001:db8:0:1::1", "2001:db8:0:fe::2", "2001:db8:0:ff:1::3", "2001:db8:0:100::1") == [
        202,
        202,
        429,
        202,
    ]
    assert statuses("::ffff:198.51.100.1") == [429]


def test_without_trusted_proxies_no_header_changes_where_a_request_comes_from(
    auth_database: Database,
) -> None:
    api = AuthApi.on(auth_database.url, limit_source=parse_limit("2/hour"))
    names = ("X_Forwarded_For", "Forwarded", "X_Real_IP", "CF_Connecting_IP", "True_Client_IP", "X_Client_IP")

    def forged(number: int) -> TestResponse:
        address = f"198.51.100.{number}"
        headers = {name: f"for={address}" if name == "Forwarded" else address for name in names}
        return api.post(PATH, registration(), **headers)

    assert [forged(number).status_code for number in range(5)] == [202, 202, 429, 429, 429]


def test_codes_and_registrations_are_counted_apart(api: AuthApi) -> None:
    for _ in range(3):
        api.post(PATH, registration())
    body = {"email": "linh@example.com", "code": "00000000", "registration_secret": "x"}
    assert [api.post("/v1/verifications", body).status_code for _ in range(3)] == [400, 400, 429]

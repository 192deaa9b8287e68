"""CORS: scripts of registered origins may call the API with a bearer token; nobody's may read our pages."""

import pytest
from werkzeug.test import TestResponse

from support.applications import APPLICATIONS, ORIGIN
from support.auth_api import AuthApi

ALLOWED = "Access-Control-Allow-Origin"


@pytest.fixture(scope="module")
def api() -> AuthApi:
    return AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth", applications=APPLICATIONS)


def preflight(api: AuthApi, path: str, origin: str) -> TestResponse:
    headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH", "Sec-Fetch-Site": "cross-site"}
    return api.app.test_client().options(path, headers=headers)


def test_a_registered_origin_may_ask_and_is_told_so_for_ten_minutes(api: AuthApi) -> None:
    answer = preflight(api, "/v1/account", ORIGIN)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers[ALLOWED] == ORIGIN
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.vary


def test_a_registered_origin_reads_answers_and_errors(api: AuthApi) -> None:
    cross = {"Origin": ORIGIN, "Sec_Fetch_Site": "cross-site"}
    for answer in (
        api.get("/v1/policy", **cross),
        api.get("/v1/account", **cross),
        api.post("/v1/sessions", {"email": 1}, **cross),
        api.post("/v1/token", {}, **cross),
    ):
        assert answer.status_code != 403
        assert answer.headers[ALLOWED] == ORIGIN
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in answer.vary


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        f"{ORIGIN}:8443",
        "null",
        "*",
    ],
)
def test_nobody_else_may(api: AuthApi, origin: str) -> None:
    assert ALLOWED not in preflight(api, "/v1/account", origin).headers
    answer = api.get("/v1/policy", Origin=origin)
    assert ALLOWED not in answer.headers
    assert "Origin" in answer.vary, "a cache must not give one what was said to another"
    refused = api.post("/v1/sessions", {"email": 1}, Origin=origin, Sec_Fetch_Site="cross-site")
    assert refused.get_json()["code"] == "foreign_origin"


def test_our_pages_are_nobodys(api: AuthApi) -> None:
    for path in ("/signin", "/account", "/v1/authorize"):
        assert ALLOWED not in preflight(api, path, ORIGIN).headers
        assert ALLOWED not in api.get(path, Origin=ORIGIN).headers
    form = api.app.test_client().post("/signin", data={"email": "x"}, headers={"Origin": ORIGIN})
    assert form.status_code == 403


def test_keys_and_metadata_are_for_everybody(api: AuthApi) -> None:
    for path in ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server"):
        answer = api.get(path, Origin="https://anybody.example")
        assert (answer.status_code, answer.headers[ALLOWED]) == (200, "*")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Cache-Control"].startswith("public, max-age=")


def test_what_is_no_document_there_is_nobodys(api: AuthApi) -> None:
    for path, status in (("/.well-known/change-password", 302), ("/.well-known/nothing", 404)):
        answer = api.get(path, Origin="https://anybody.example")
        assert answer.status_code == status
        assert ALLOWED not in answer.headers
        assert answer.headers.get("Cross-Origin-Resource-Policy") != "cross-origin"


def test_without_registered_origins_nothing_is_said_of_them() -> None:
    api = AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth")
    answer = api.get("/v1/policy", Origin=ORIGIN)
    assert ALLOWED not in answer.headers
    assert "Origin" not in answer.vary

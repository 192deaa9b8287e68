"""What is refused before anybody looks into the database: no sign-in, no access token."""

import pytest

from support.auth_api import PASSWORD, AuthApi
from support.signed_in import SESSIONS

LINH = "linh@example.com"


@pytest.fixture(scope="module")
def api() -> AuthApi:
    return AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"email": LINH}, "missing"),
        ({"email": LINH, "password": ""}, "too_short"),
        ({"email": LINH, "password": "x" * 257}, "too_long"),
        ({"email": "linh", "password": PASSWORD}, "invalid_address"),
        ({"email": LINH, "password": PASSWORD, "method": "magic"}, "choice"),
        ({"email": LINH, "password": PASSWORD, "client_id": "shop"}, "unknown"),
    ],
)
def test_what_is_no_sign_in_is_told_by_its_fields(api: AuthApi, body: dict[str, str], code: str) -> None:
    answer = api.post(SESSIONS, body)
    assert answer.status_code == 422
    assert [flaw["code"] for flaw in answer.get_json()["errors"]] == [code]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic bGluaDp4", "Bearer x", "Bearer a.b.c", "bearer é"]
)
def test_whoever_is_not_signed_in_is_told_how(api: AuthApi, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = api.app.test_client().get(SESSIONS, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

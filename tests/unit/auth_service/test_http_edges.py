"""① Whatever comes in, a problem document goes out, and nothing of what came in is in it."""

import json

import pytest
from werkzeug.test import TestResponse

from auth_service import errors
from auth_service.errors import RequestError
from auth_service.http.statuses import STATUSES
from support.auth_api import PASSWORD, AuthApi

REGISTRATIONS = "/v1/registrations"
GOOD = {"email": "linh@example.com", "password": PASSWORD}
MARK = "zanzibar"
JSON = "application/json"


def send(api: AuthApi, data: bytes | str, path: str = REGISTRATIONS, **more: str) -> TestResponse:
    content_type = more.pop("content_type", JSON)
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    return api.app.test_client().post(path, data=data, content_type=content_type, headers=headers)


def assert_problem(answer: TestResponse, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem = json.loads(answer.data)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:postern:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert MARK not in answer.text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nothing",
        f'{{"email": "{MARK}"'.encode(),
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b'{"email": "a@example.com", "email": "b@example.com"}',
        b'{"email": {"a": 1, "a": 2}}',
        b'{"email": NaN}',
        b'{"email": -Infinity}',
        b'{"email": "\xff"}',
        b'{"email": "\\ud800"}',
        b'\xef\xbb\xbf{"email": "a@example.com"}',
        b'{"email": ' + b"9" * 5000 + b"}",
        b"[" * 10_000,
        b'{"a":' * 3000,
    ],
)
def test_what_is_not_one_clean_json_object_is_malformed(api: AuthApi, data: bytes) -> None:
    assert_problem(send(api, data), 400, "malformed_body")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
    ],
)
def test_another_content_type_is_refused(api: AuthApi, content_type: str) -> None:
    assert_problem(send(api, json.dumps(GOOD), content_type=content_type), 415, "unsupported_media_type")


def test_a_compressed_body_is_refused(api: AuthApi) -> None:
    answer = send(api, b"\x1f\x8b", Content_Encoding="gzip")
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("size", [16 * 1024 + 1, 1_000_000, 6_000_000])
def test_a_large_body_is_refused(api: AuthApi, size: int) -> None:
    assert_problem(send(api, json.dumps({**GOOD, "x": "y" * size})), 413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"password": PASSWORD}, "#/email", "missing"),
        ({"email": "linh@example.com"}, "#/password", "missing"),
        ({**GOOD, "admin": True}, "#/admin", "unknown"),
        ({**GOOD, f"<{MARK}>": 1}, "#", "unknown"),
        ({**GOOD, "email": 5}, "#/email", "type"),
        ({**GOOD, "email": None}, "#/email", "type"),
        ({**GOOD, "email": [MARK]}, "#/email", "type"),
        ({**GOOD, "email": MARK}, "#/email", "invalid_address"),
        ({**GOOD, "email": f"{MARK}@example.com\r\nBcc: x"}, "#/email", "invalid_address"),
        ({**GOOD, "password": 123456789012345}, "#/password", "type"),
        ({**GOOD, "password": MARK}, "#/password", "too_short"),
        ({**GOOD, "password": MARK * 100}, "#/password", "too_long"),
        ({**GOOD, "password": "passwordpassword"}, "#/password", "guessable"),
        ({**GOOD, "locale": MARK + " !"}, "#/locale", "format"),
        ({**GOOD, "locale": 1}, "#/locale", "type"),
    ],
)
def test_a_field_that_does_not_fit_is_named_but_not_repeated(
    api: AuthApi, body: dict[str, object], pointer: str, code: str
) -> None:
    answer = api.post(REGISTRATIONS, body)
    assert_problem(answer, 422, "invalid_fields")
    assert (pointer, code) in [(flaw["pointer"], flaw["code"]) for flaw in answer.get_json()["errors"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": ""},
        {"token": "x" * 65},
        {"token": "x", "email": "linh@example.com", "code": "12345678"},
        {"email": "linh@example.com"},
        {"code": "12345678"},
        {"email": "linh@example.com", "code": "1234567"},
        {"email": "linh@example.com", "code": "١٢٣٤٥٦٧٨"},
        {"email": "linh@example.com", "code": 12345678},
        {"email": MARK, "code": "12345678"},
    ],
)
def test_a_verification_is_by_token_or_by_address_and_code(api: AuthApi, body: dict[str, object]) -> None:
    assert_problem(api.post("/v1/verifications", body), 422, "invalid_fields")


def test_an_unknown_path_is_not_found_and_not_repeated(api: AuthApi) -> None:
    for path in (f"/{MARK}", f"/v1/{MARK}?{MARK}", "/v1//registrations", "/static/x", "/v1/receipts/"):
        assert_problem(api.get(path), 404, "not_found")


def test_every_route_refuses_other_methods_with_the_ones_it_takes(api: AuthApi) -> None:
    for rule in api.app.url_map.iter_rules():
        path = rule.rule.replace("<receipt>", "x")
        answer = api.app.test_client().open(path, method="PATCH", json={"x": MARK})
        assert_problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == rule.methods


def test_without_a_database_every_call_that_needs_it_is_refused_with_when_to_come_back(api: AuthApi) -> None:
    answers = [
        api.post(REGISTRATIONS, GOOD),
        api.post("/v1/registrations/resend", {"email": f"{MARK}@example.com"}),
        api.post("/v1/verifications", {"token": MARK}),
        api.get(f"/v1/receipts/{MARK}"),
    ]
    for answer in answers:
        assert_problem(answer, 503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert_problem(api.get_ops("/readyz"), 503, "database_not_ready")
    assert api.get("/healthz").get_json() == {"status": "alive"}


def test_every_error_of_a_flow_has_a_status_and_a_sentence() -> None:
    def below(error: type[RequestError]) -> set[type[RequestError]]:
        return {error}.union(*(below(child) for child in error.__subclasses__()))

    abstract = {errors.RequestError, errors.Unavailable}
    ours = below(RequestError) - abstract
    assert set(STATUSES) == ours
    assert all(error.sentence().endswith(".") for error in ours)


def test_a_request_id_is_taken_over_if_it_is_harmless_and_made_otherwise(api: AuthApi) -> None:
    assert api.get("/healthz", X_Request_ID="trace-1234.5_6").headers["X-Request-ID"] == "trace-1234.5_6"
    for bad in ("", "short", "x" * 65, "with space in it", "<script>alert(1)</script>"):
        made = api.get("/healthz", X_Request_ID=bad).headers["X-Request-ID"]
        assert made != bad
        assert len(made) == 32


def test_every_answer_carries_the_security_headers(api: AuthApi) -> None:
    for path in ("/healthz", "/signup", "/verify", "/docs", "/openapi.json", "/nothing"):
        headers = api.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert "Set-Cookie" not in headers


def test_browsers_are_not_told_to_insist_on_tls_where_there_is_none() -> None:
    api = AuthApi.on("postgresql://auth@127.0.0.1:1/auth", public_url="http://127.0.0.1:8000")
    assert "Strict-Transport-Security" not in api.get("/signup").headers


def test_metrics_count_by_template_and_never_by_path(api: AuthApi) -> None:
    api.get(f"/v1/receipts/{MARK}")
    api.get(f"/{MARK}")
    api.app.test_client().open("/healthz", method="BREW")
    text = api.get_ops("/metrics").text
    assert 'auth_http_requests_total{method="GET",route="/v1/receipts/<receipt>",status="503"} 1.0' in text
    assert 'route="(none)",status="404"' in text
    assert 'method="OTHER"' in text
    assert MARK not in text
    assert "BREW" not in text

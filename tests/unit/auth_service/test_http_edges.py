"""① Whatever comes in, a problem document goes out, and nothing of what came in is in it."""

import json
import re
import time

import pytest
from werkzeug.test import TestResponse

from auth_service import errors
from auth_service.errors import RequestError
from auth_service.http.lifecycle import ARRIVED
from auth_service.http.statuses import STATUSES
from auth_service.setting_values import API_PATHS
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
    taken: dict[str, set[str]] = {}
    for rule in api.app.url_map.iter_rules():
        taken.setdefault(rule.rule, set()).update(rule.methods or ())
    for path, methods in taken.items():
        client = api.app.test_client()
        answer = client.open(re.sub(r"<\w+>", "x", path), method="PROPFIND", json={"x": MARK})
        assert_problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) >= methods


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
    assert all(error.title.endswith(".") and error.detail.endswith(".") for error in ours)


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


PUBLIC = "https://accounts.example.com"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://accounts.example.com.evil.example"},
        {"Origin": "http://accounts.example.com"},
        {"Origin": "https://accounts.example.com:444"},
        {"Origin": ""},
        {"Origin": f"{PUBLIC}, https://evil.example"},
        {"Origin": "ftp://localhost"},
        # A name of somebody else's that resolves to us.
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Origin": "http://evil.example:8000", "Host": "evil.example:8000"},
        {"Origin": "http://127.0.0.1.evil.example", "Host": "127.0.0.1.evil.example"},
        {"Origin": "http://localhost.evil.example", "Host": "localhost.evil.example"},
        {"Origin": "http://192.0.2.1", "Host": "192.0.2.1"},
        {"Origin": "http://localhost:1", "Host": "localhost:2"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC},
    ],
)
def test_what_another_sites_page_sends_is_refused(api: AuthApi, headers: dict[str, str]) -> None:
    calls = [rule for rule in api.app.url_map.iter_rules() if "POST" in (rule.methods or set())]
    assert len(calls) >= 3
    for call in calls:
        answer = api.app.test_client().post(call.rule, json=GOOD, headers=headers)
        assert_problem(answer, 403, "foreign_origin")


def test_no_call_of_the_api_takes_what_a_page_sends_that_hides_who_it_is(api: AuthApi) -> None:
    for headers in ({"Origin": "null"}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}):
        answer = api.app.test_client().post(REGISTRATIONS, json=GOOD, headers=headers)
        assert_problem(answer, 403, "foreign_origin")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": PUBLIC},
        {"Origin": "HTTPS://Accounts.example.com"},
        {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000", "Host": "127.0.0.1:8000"},
        {"Origin": "http://[::1]:8000", "Host": "[::1]:8000"},
        {"Origin": "http://localhost:8000", "Host": "LOCALHOST:8000"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_what_our_own_pages_and_servers_send_is_taken(api: AuthApi, headers: dict[str, str]) -> None:
    answer = api.app.test_client().post(REGISTRATIONS, data=b"{", content_type=JSON, headers=headers)
    assert_problem(answer, 400, "malformed_body")


def test_the_description_is_made_once(api: AuthApi) -> None:
    first, second = api.get("/openapi.json"), api.get("/openapi.json")
    assert first.data == second.data
    started = time.thread_time()
    for _ in range(50):
        api.get("/openapi.json")
    # Making it takes tens of milliseconds, answering with it less than two.
    assert (time.thread_time() - started) / 50 < 0.01


def test_a_link_from_another_site_is_followed(api: AuthApi) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "null"}
    assert api.app.test_client().get("/verify", headers=headers).status_code == 200


@pytest.mark.parametrize("base", ["/gate", "/a/b.c"])
def test_below_a_path_every_call_is_answered_with_the_path_and_without(base: str) -> None:
    api = AuthApi.on("postgresql://auth@127.0.0.1:1/auth", public_url=f"https://example.com{base}")
    for before in ("", base):
        assert api.get(f"{before}/healthz").status_code == 200
        assert api.get(f"{before}/signup").status_code == 200
        assert_problem(api.post(f"{before}{REGISTRATIONS}", {}), 422, "invalid_fields")
        assert api.get(f"{before}/openapi.json").get_json()["servers"] == [
            {"url": f"https://example.com{base}"}
        ]
        assert_problem(api.get(f"{before}{base}x/healthz"), 404, "not_found")
    assert api.get(base).status_code == 303
    assert_problem(api.get(f"{base}x"), 404, "not_found")


def test_no_public_address_may_be_below_a_path_of_our_own(api: AuthApi) -> None:
    rules = [rule.rule for app in (api.app, api.ops) for rule in app.url_map.iter_rules()]
    assert {rule.split("/")[1] for rule in rules} - {""} <= set(API_PATHS)


def test_all_that_is_wrong_is_said_at_once_with_what_a_translation_needs(api: AuthApi) -> None:
    answer = api.post(REGISTRATIONS, {"email": "nope", "password": "short", "locale": "?", "admin": 1})
    assert_problem(answer, 422, "invalid_fields")
    flaws = {flaw["pointer"]: flaw for flaw in answer.get_json()["errors"]}
    assert flaws.keys() == {"#/email", "#/password", "#/locale", "#/admin"}
    assert flaws["#/password"] == {
        "pointer": "#/password",
        "code": "too_short",
        "detail": "Use at least 15 characters.",
        "params": {"min": 15},
    }
    assert all(flaw["detail"] and flaw["code"] for flaw in flaws.values())


def test_a_token_and_a_code_in_one_verification_are_told_apart_from_other_mistakes(api: AuthApi) -> None:
    answer = api.post("/v1/verifications", {"token": "x", "email": "linh@example.com", "code": "12345678"})
    assert_problem(answer, 422, "invalid_fields")
    assert [(flaw["pointer"], flaw["code"]) for flaw in answer.get_json()["errors"]] == [
        ("#", "token_or_code")
    ]


def test_nothing_is_done_for_a_request_that_waited_too_long_for_a_thread() -> None:
    api = AuthApi.on("postgresql://auth@127.0.0.1:1/auth", hash_wait_seconds=2.0)
    for age, status in ((1.0, 200), (3.0, 503)):
        environ = {ARRIVED: time.monotonic() - age}
        answer = api.app.test_client().get("/healthz", environ_overrides=environ)
        assert answer.status_code == status
    assert_problem(answer, 503, "too_busy")
    assert answer.headers["Retry-After"]
    assert api.ops.test_client().get("/healthz", environ_overrides=environ).status_code == 200

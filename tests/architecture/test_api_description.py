"""Every route is described, and the description is of nothing else."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auth_service.errors import ProofRequired
from auth_service.http.schemas import ProblemAnswer
from auth_service.http.statuses import STATUSES
from support.auth_api import PUBLIC_URL, AuthApi

OAUTH_ERROR = "schemas/OAuthErrorAnswer"


@pytest.fixture(scope="module")
def api() -> AuthApi:
    return AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth")


@pytest.fixture(scope="module")
def document(api: AuthApi) -> dict[str, Any]:
    answer = api.get("/openapi.json")
    assert answer.content_type == "application/json"
    return dict(answer.get_json())


def test_every_route_but_those_of_pages_is_described_and_nothing_else_is(
    api: AuthApi, document: dict[str, Any]
) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in api.app.url_map.iter_rules()
        if not rule.endpoint.endswith(("_page", "_form"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, calls in document["paths"].items() for method in calls}
    assert described == routes


def test_the_description_is_openapi_3_1_at_the_configured_address(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": PUBLIC_URL}]
    assert document["info"]["title"]
    assert document["info"]["version"]


def test_every_reference_leads_to_a_schema_and_every_schema_is_used(document: dict[str, Any]) -> None:
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references == document["components"]["schemas"].keys()


def test_every_call_says_what_it_is_and_that_errors_are_problems(document: dict[str, Any]) -> None:
    names = []
    for calls in document["paths"].values():
        for call in calls.values():
            names.append(call["operationId"])
            assert call["summary"]
            for status, answer in call["responses"].items():
                assert answer["description"]
                media_types = list(answer.get("content", ()))
                if int(status) >= 400 and OAUTH_ERROR not in str(answer["content"]):
                    assert media_types == ["application/problem+json"]
                elif int(status) < 400:
                    assert len(media_types) == (0 if status == "204" else 1)
    assert len(names) == len(set(names))


def _sentences(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"summary", "description"} and isinstance(value, str):
                yield value
            else:
                yield from _sentences(value)
    elif isinstance(part, list):
        for value in part:
            yield from _sentences(value)


def test_sentences_say_email_where_the_code_says_letter(document: dict[str, Any]) -> None:
    sentences = [re.sub("`[^`]*`", "", sentence) for sentence in _sentences(document)]
    assert len(sentences) > 100
    assert [
        sentence for sentence in sentences if re.search(r"\bletters?\b|e-mail", sentence, re.IGNORECASE)
    ] == []


def test_only_calls_of_oauth_clients_fail_as_oauth_has_it(document: dict[str, Any]) -> None:
    told = {path for path, calls in document["paths"].items() if OAUTH_ERROR in str(calls)}
    assert told == {"/v1/token", "/v1/revoke"}


def test_every_path_parameter_is_described(document: dict[str, Any]) -> None:
    for path, calls in document["paths"].items():
        for call in calls.values():
            parameters = call.get("parameters", [])
            described = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
            assert described == re.findall(r"\{(\w+)\}", path)


def test_every_body_refuses_unknown_fields(document: dict[str, Any]) -> None:
    for calls in document["paths"].values():
        for call in calls.values():
            if OAUTH_ERROR in str(call):
                continue  # RFC 6749 section 3.2: what is unknown is ignored
            for name in re.findall(r"schemas/(\w+)", str(call.get("requestBody", ""))):
                assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_every_problem_has_its_place_in_the_documentation(api: AuthApi, document: dict[str, Any]) -> None:
    page = api.get("/docs").text
    codes = set(re.findall(r"`([a-z_]+)`: ", str(document["paths"])))
    assert len(codes) > 10
    for code in codes | {"not_found", "method_not_allowed", "internal_error"}:
        assert f'id="problem-{code}"' in page


def test_problems_look_as_described(api: AuthApi) -> None:
    for answer in (api.get("/nothing"), api.post("/v1/registrations", {"email": 1})):
        assert ProblemAnswer.model_validate(answer.get_json())


def test_no_field_has_a_default_and_no_answer_a_null_because_what_is_not_known_is_left_out(
    document: dict[str, Any],
) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}).values():
            assert "default" not in field
            assert not name.endswith("Answer") or "null" not in str(field)


def test_what_a_problem_says_beside_the_words_is_described() -> None:
    errors = set(STATUSES) - {ProofRequired}
    members = [error().members() for error in errors]
    members.append(ProofRequired({"algorithm": "any"}, expires_at=datetime.now(UTC)).members())
    told = {name for more in members for name in more}
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    assert told == {"challenge", "expires_at", "max_age", "asked_by"}
    assert told < ProblemAnswer.model_fields.keys()
    assert [name for name in told if f"`{name}`" not in page] == []

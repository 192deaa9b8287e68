"""What is read of a dead letter, also where nobody wrote it down and where somebody means harm."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mailer_service.deadletters.info import read
from mailer_service.deadletters.message import QueuedMessage
from support.outgoing import header

ENVELOPE = {"header": header().model_dump(mode="json"), "sealed": "abc", "signature": "def"}
LETTER_ID = ENVELOPE["header"]["id"]  # type: ignore[index]
CALL = json.dumps([[ENVELOPE], {}, {}]).encode()
OURS = {"task": DELIVER_LETTER, "id": LETTER_ID}
DELIVERY_LIMIT = {
    "queue": "mailer.urgent",
    "reason": "delivery_limit",
    "time": datetime(2026, 3, 1, 12, 0),  # noqa: DTZ001 - as py-amqp gives it
    "count": 1,
}


def message(body: bytes = CALL, headers: Mapping[str, Any] = OURS, **properties: Any) -> QueuedMessage:
    return QueuedMessage(
        tag=1,
        body=body,
        size=properties.pop("size", len(body)),
        fingerprint="0123456789abcdef",
        properties={"content_type": "application/json", **properties},
        headers=headers,
    )


def test_our_own_headers_say_it_all() -> None:
    said = {
        **OURS,
        "x-postern-reason": "5.1.1",
        "x-postern-reply": "551 5.1.1 No such user",
        "x-postern-attempts": 3,
        "x-postern-class": "urgent",
        "x-postern-first-seen": "2026-03-01T12:00:00+00:00",
        "x-postern-died-at": "2026-03-01T13:00:00+00:00",
    }
    found = read(message(headers=said))
    assert (found.id, found.reason, found.derived) == (LETTER_ID, "5.1.1", False)
    assert (found.letter, found.letter_class, found.attempts) == ("verify_address", "urgent", 3)
    assert found.reply == "551 5.1.1 No such user"
    assert found.first_seen == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.died_at == datetime(2026, 3, 1, 13, tzinfo=UTC)


def test_where_rabbitmq_gave_it_up_its_own_account_is_read() -> None:
    waited = {"queue": "mailer.wait.10s", "reason": "expired"}
    found = read(message(headers={**OURS, "x-death": [DELIVERY_LIMIT, waited]}))
    assert (found.reason, found.derived, found.letter_class) == ("delivery_limit", True, "urgent")
    assert found.died_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.attempts is None


def test_the_brokers_account_is_later_than_what_an_earlier_death_left() -> None:
    assert read(
        message(headers={**OURS, "x-postern-reason": "5.1.1", "x-death": [DELIVERY_LIMIT]})
    ).reason == ("delivery_limit")


@pytest.mark.parametrize(
    ("body", "headers", "properties", "reason"),
    [
        (b"{not json", OURS, {}, "undecodable"),
        (b"\xff\xfe", OURS, {}, "undecodable"),
        (b"[" * 5000, OURS, {}, "undecodable"),
        (b"9" * 5000, OURS, {}, "undecodable"),
        (CALL, OURS, {"content_type": "application/x-yaml"}, "undecodable"),
        (CALL, OURS, {"content_type": None}, "undecodable"),
        (b"null", OURS, {}, "not_a_task"),
        (b"[1, 2, 3]", OURS, {}, "not_a_task"),
        (CALL, {}, {}, "not_a_task"),
        (CALL, {"task": 5, "id": []}, {}, "not_a_task"),
        (CALL, {"task": "format.disk", "id": "x"}, {}, "unknown_task"),
        (CALL, OURS, {"size": 1_000_000}, "oversized"),
        (CALL, OURS, {}, "rejected"),
    ],
)
def test_what_the_consumer_rejected_is_found_out_again(
    body: bytes, headers: Mapping[str, Any], properties: Mapping[str, Any], reason: str
) -> None:
    rejected = {"queue": "mailer.standard", "reason": "rejected"}
    found = read(message(body, {**headers, "x-death": [rejected]}, **properties))
    assert (found.reason, found.derived) == (reason, True)


def test_what_has_no_id_is_known_by_its_body() -> None:
    assert read(message(b"null")).id == "body-0123456789abcdef"
    assert read(message(headers={"task": DELIVER_LETTER, "id": "x; rm -rf"})).id == "body-0123456789abcdef"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-death": 5},
        {"x-death": ["x"]},
        {"x-death": [{"queue": ["a"], "reason": {}}]},
        {"x-death": [{"queue": "mailer.urgent", "reason": 5, "time": "tomorrow"}]},
        {"x-postern-reason": {}, "x-postern-class": [], "x-postern-attempts": "many", "x-postern-reply": 5},
        {"x-postern-first-seen": "yesterday", "x-postern-died-at": 7},
    ],
)
@pytest.mark.parametrize("body", [CALL, b"[[{}], {}, {}]", b'[[{"header": 5}], {}, {}]', b"[[[]], {}, {}]"])
def test_headers_of_the_wrong_kind_are_survived(headers: Mapping[str, Any], body: bytes) -> None:
    found = read(message(body, {**OURS, **headers}))
    assert found.letter_class in {"urgent", "unknown"}


def test_a_cancellation_is_one() -> None:
    found = read(message(b'[[{"version": 1}], {}, {}]', {"task": CANCEL_LETTER, "id": LETTER_ID}))
    assert (found.letter, found.letter_class, found.reason) == (None, "unknown", "unknown")

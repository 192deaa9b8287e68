"""What is not a letter from auth-service becomes a dead letter; the replica lives on and nothing is acked away."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection

from mail_contract.keys import generate_sealing_keys, generate_signing_keys
from mail_contract.messages import Envelope
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import CANCELLATION_ROUTE, Route
from support.eventually import eventually
from support.mailroom import Mailroom
from support.raw_messages import URGENT, publish_raw


def throw(
    room: Mailroom,
    body: bytes,
    *,
    headers: Mapping[str, Any] | None = None,
    content_type: str = "application/json",
    route: Route = URGENT,
) -> None:
    """Put raw bytes where letters arrive."""
    if headers is None:
        headers = {"task": DELIVER_LETTER, "id": str(uuid4()), "lang": "py"}
    with Connection(room.broker.url("auth")) as connection:
        publish_raw(connection, body, headers=headers, route=route, content_type=content_type)


def throw_arguments(room: Mailroom, *args: Any, route: Route = URGENT, **kwargs: Any) -> None:
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    throw(room, json.dumps([args, kwargs, embed]).encode(), route=route)


def newly_dead(room: Mailroom) -> list[dict[str, Any]]:
    """Wait for one dead letter; clear them."""
    eventually(lambda: room.broker.depth("mailer.dead") >= 1)
    return room.broker.take("mailer.dead")


def the_replica_still_works(room: Mailroom) -> None:
    assert room.replicas[0].is_running
    recipient = f"an.{uuid4().hex}@example.org"
    letter_id = room.post(room.seal(recipient))
    eventually(lambda: room.told(letter_id) == ["sent"])
    eventually(room.everything_is_settled)


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b"\xff\xfe",
        b"",
        b"5",
        b"null",
        b'"args"',
        b"[]",
        b"[1]",
        b"[1, 2, 3]",
        b"{}",
        b'{"args": 1}',
        b'[["x"], {}, 5]',
        b"[" * 5000,
        b"x" * 1_000_000,
        b'[["' + b"x" * 1_000_000 + b'"], {}, {}]',
    ],
    ids=lambda body: f"{body[:12]!r}-{len(body)}",
)
def test_a_body_that_is_not_a_tasks(busy_room: Mailroom, body: bytes) -> None:
    throw(busy_room, body)
    (dead,) = newly_dead(busy_room)
    assert dead["payload_bytes"] == len(body)
    the_replica_still_works(busy_room)


@pytest.mark.parametrize(
    ("headers", "content_type"),
    [
        ({}, "application/json"),
        ({"task": "mailer.format_disk", "id": "x"}, "application/json"),
        ({"task": DELIVER_LETTER}, "application/json"),
        ({"task": DELIVER_LETTER, "id": "x", "eta": "never"}, "application/json"),
        (None, "application/x-python-serialize"),
        (None, "application/x-yaml"),
    ],
)
def test_headers_that_are_not_a_tasks(
    busy_room: Mailroom, headers: Mapping[str, Any] | None, content_type: str
) -> None:
    throw(busy_room, b"[[], {}, {}]", headers=headers, content_type=content_type)
    assert len(newly_dead(busy_room)) == 1
    the_replica_still_works(busy_room)


@pytest.mark.parametrize("arguments", [(), (1, 2), (None,), ("x",), ({},), ({"header": 5},), ([[]],)])
def test_arguments_that_are_not_an_envelope(busy_room: Mailroom, arguments: tuple[Any, ...]) -> None:
    throw_arguments(busy_room, *arguments)
    (dead,) = newly_dead(busy_room)
    assert dead["properties"]["headers"]["x-postern-reason"] in {"malformed", "unknown_version"}
    assert dead["properties"]["headers"]["x-postern-class"] == "unknown"
    the_replica_still_works(busy_room)


def test_keyword_arguments_are_not_an_envelope(busy_room: Mailroom) -> None:
    throw_arguments(busy_room, envelope={})
    assert newly_dead(busy_room)[0]["properties"]["headers"]["x-postern-reason"] == "malformed"


def test_a_cancellation_that_is_none(busy_room: Mailroom) -> None:
    embed: dict[str, Any] = {}
    throw(
        busy_room,
        json.dumps([[{"version": 1, "letter_id": "x"}], {}, embed]).encode(),
        headers={"task": "mailer.cancel_letter", "id": str(uuid4())},
        route=CANCELLATION_ROUTE,
    )
    assert newly_dead(busy_room)[0]["properties"]["headers"]["x-postern-reason"] == "malformed"
    the_replica_still_works(busy_room)


def forged(room: Mailroom, reason: str) -> Envelope:
    """An envelope that must not be believed."""
    envelope = room.seal("an@example.org")
    match reason:
        case "bad_signature":
            header = envelope.header.model_copy(update={"locale": "vi"})
            return envelope.model_copy(update={"header": header})
        case "unknown_key":
            return envelope.model_copy(update={"signing_key_id": "nobodys"})
        case "unknown_sealing_key":
            room_of_another = Mailroom(
                broker=room.broker,
                database=room.database,
                inbox=room.inbox,
                directory=room.directory,
                auth=room.auth,
                sealing=generate_sealing_keys(),
                signing=room.signing,
            )
            return room_of_another.seal("an@example.org")
        case "another_signer":
            return Mailroom(
                broker=room.broker,
                database=room.database,
                inbox=room.inbox,
                directory=room.directory,
                auth=room.auth,
                sealing=room.sealing,
                signing=generate_signing_keys(),
            ).seal("an@example.org")
    raise AssertionError(reason)


@pytest.mark.parametrize(
    ("forgery", "reason"),
    [
        ("bad_signature", "bad_signature"),
        ("unknown_key", "unknown_key"),
        ("unknown_sealing_key", "unknown_key"),
        ("another_signer", "unknown_key"),
    ],
)
def test_a_forged_envelope_is_dead_unreported_and_unrecorded(
    busy_room: Mailroom, forgery: str, reason: str
) -> None:
    letter_id = busy_room.post(forged(busy_room, forgery))
    (dead,) = newly_dead(busy_room)
    assert dead["properties"]["headers"]["x-postern-reason"] == reason
    assert dead["properties"]["headers"]["id"] == str(letter_id)
    the_replica_still_works(busy_room)
    assert busy_room.told(letter_id) == []
    assert busy_room.row(letter_id) is None


def test_a_version_of_tomorrow_waits_for_a_person(busy_room: Mailroom) -> None:
    envelope = busy_room.seal("an@example.org").model_dump(mode="json")
    envelope["header"]["version"] = 2
    throw_arguments(busy_room, envelope)
    (dead,) = newly_dead(busy_room)
    assert dead["properties"]["headers"]["x-postern-reason"] == "unknown_version"
    assert dead["properties"]["headers"]["x-postern-class"] == "urgent"


def test_another_envelope_under_the_id_of_a_sent_letter_is_dead_and_changes_nothing(
    busy_room: Mailroom,
) -> None:
    recipient = f"an.{uuid4().hex}@example.org"
    letter_id = busy_room.post(busy_room.seal(recipient))
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    busy_room.post(busy_room.seal("mallory@example.org", letter_id=letter_id))
    (dead,) = newly_dead(busy_room)
    assert dead["properties"]["headers"]["x-postern-reason"] == "replayed_id"
    assert busy_room.told(letter_id) == ["sent"]
    assert busy_room.subjects_for("mallory@example.org") == []
    assert busy_room.state(letter_id) == "accepted"


def test_an_envelope_under_another_tasks_id_is_dead(busy_room: Mailroom) -> None:
    throw_arguments(busy_room, busy_room.seal("an@example.org").model_dump(mode="json"))
    assert newly_dead(busy_room)[0]["properties"]["headers"]["x-postern-reason"] == "wrong_id"

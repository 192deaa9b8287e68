"""Whoever may ask the replicas how they are can change nothing about them."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from celery.worker.control import Panel
from kombu import Connection, Exchange

from mail_contract.topology import AUTH_REPORTS, MAILER_CONTROL
from service_runtime.celery.app import SAFE_SETTINGS, build_app
from service_runtime.celery.control_panel import COMMANDS
from support.eventually import eventually
from support.mailroom import Mailroom

PIDBOX = Exchange(f"{MAILER_CONTROL}.pidbox", type="fanout", durable=False, delivery_mode="transient")
STOCK: dict[str, dict[str, Any]] = {
    "revoke": {"task_id": "x", "terminate": True, "signal": "KILL"},
    "revoke_by_stamped_headers": {"headers": {"a": ["b"]}},
    "terminate": {"signal": "KILL", "task_id": "x"},
    "rate_limit": {"task_name": "mailer.deliver_letter", "rate_limit": "1/h"},
    "time_limit": {"task_name": "mailer.deliver_letter", "hard": 0.1, "soft": 0.1},
    "election": {"id": "x", "topic": "t"},
    "enable_events": {},
    "disable_events": {},
    "heartbeat": {},
    "hello": {"from_node": "x", "revoked": {"x": 1}},
    "pool_grow": {"n": 1000},
    "pool_shrink": {"n": 4},
    "pool_restart": {"modules": ["os"]},
    "autoscale": {"max": 1, "min": 1},
    "shutdown": {},
    "add_consumer": {"queue": "mailer.dead"},
    "cancel_consumer": {"queue": "mailer.urgent"},
    "objgraph": {},
    "memsample": {},
    "memdump": {},
    "report": {},
    "query_task": {"ids": ["x"]},
    "clock": {},
}


@pytest.fixture
def flower(busy_room: Mailroom) -> Iterator[Celery]:
    """Celery's own client, with Flower's login."""
    app = build_app("flower", broker_url=busy_room.broker.url("flower"), monitored=True)
    yield app
    app.close()


def ask(app: Celery, method: str, arguments: dict[str, Any] | None = None) -> Any:
    answers: Any = app.control.broadcast(method, arguments=arguments or {}, reply=True, timeout=5, limit=1)
    return next(iter(answers[0].values()))


def send(room: Mailroom, body: bytes, **properties: Any) -> None:
    """Publish anything on the replicas' ear."""
    with Connection(room.broker.url("flower")) as connection:
        properties.setdefault("content_type", "application/json")
        connection.Producer().publish(
            body,
            exchange=PIDBOX,
            content_encoding="utf-8",
            headers=properties.pop("headers", {}),
            **properties,
        )


def a_letter_arrives(room: Mailroom) -> None:
    assert room.replicas[0].is_running
    recipient = f"an.{uuid4().hex}@example.org"
    letter = room.post(room.seal(recipient))
    eventually(lambda: room.told(letter) == ["sent"])
    assert len(room.subjects_for(recipient)) == 1


def test_a_letter_that_somebody_revokes_arrives(busy_room: Mailroom, flower: Celery) -> None:
    letter_id = uuid4()
    flower.control.revoke(str(letter_id), terminate=True)
    assert ask(flower, "revoke", {"task_id": str(letter_id)}) == {"error": "no such command: revoke"}
    ask(flower, "hello", {"from_node": "another", "revoked": {str(letter_id): 1.0}})
    busy_room.post(busy_room.seal("an@example.org", letter_id=letter_id))
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    assert busy_room.row(letter_id) is not None
    assert ask(flower, "revoked") == []


@pytest.mark.parametrize("command", STOCK)
def test_no_command_that_does_anything_exists(busy_room: Mailroom, flower: Celery, command: str) -> None:
    before = ask(flower, "stats")["pool"], ask(flower, "active_queues"), ask(flower, "conf")
    assert ask(flower, command, STOCK[command]) == {"error": f"no such command: {command}"}
    assert (ask(flower, "stats")["pool"], ask(flower, "active_queues"), ask(flower, "conf")) == before
    assert busy_room.replicas[0].events("control_command_refused")[-1]["command"] == command


def test_the_stock_panel_has_nothing_that_is_not_tried_here() -> None:
    old_names = {"dump_conf", "dump_schedule", "dump_reserved", "dump_active", "dump_revoked", "dump_tasks"}
    assert set(Panel.data) - old_names == set(STOCK) | set(COMMANDS)


def test_looking_is_answered_without_secrets(busy_room: Mailroom, flower: Celery) -> None:
    answers = {name: ask(flower, name, {"safe": False, "with_defaults": True}) for name in COMMANDS}
    assert answers["ping"] == {"ok": "pong"}
    assert answers["registered"] == ["mailer.cancel_letter", "mailer.deliver_letter"]
    assert set(answers["conf"]) == set(SAFE_SETTINGS)
    assert {queue["name"] for queue in answers["active_queues"]} >= {"mailer.urgent", "mailer.bulk"}
    assert answers["scheduled"] == answers["revoked"] == []
    said = json.dumps(answers)
    for password in busy_room.broker.passwords.values():
        assert password not in said


def test_further_brokers_are_not_named_with_their_passwords(room: Mailroom) -> None:
    address = room.broker.url("mailer")
    room.start(MAILER_BROKER_URL=f"{address};{address}")
    app = build_app("flower", broker_url=room.broker.url("flower"), monitored=True)
    try:
        assert room.broker.passwords["mailer"] not in json.dumps(ask(app, "stats"))
    finally:
        app.close()


ASKING: dict[str, Any] = {
    "method": "ping",
    "arguments": {},
    "destination": None,
    "pattern": None,
    "matcher": None,
}


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b"\xff",
        b"null",
        b"[]",
        b'{"method": 5}',
        b"x" * 200_000,
        json.dumps({**ASKING, "pattern": "(a+)+$", "matcher": "pcre"}).encode(),
        json.dumps({**ASKING, "destination": "mailer"}).encode(),
        *(
            json.dumps({**ASKING, "reply_to": {"exchange": name, "routing_key": "auth.reports"}}).encode()
            for name in ("reports", "mail.wait", "mail.dead", "mailer.ev", "")
        ),
        json.dumps({**ASKING, "reply_to": 5, "ticket": {}}).encode(),
    ],
    ids=lambda body: f"{body[:20]!r}-{len(body)}",
)
def test_what_is_not_a_question_disturbs_nobody(busy_room: Mailroom, flower: Celery, body: bytes) -> None:
    (replica,) = busy_room.replicas
    before = len(replica.events("control_message_refused"))
    reports = busy_room.broker.depth(AUTH_REPORTS)
    send(busy_room, body)
    eventually(lambda: len(replica.events("control_message_refused")) == before + 1)
    assert ask(flower, "ping") == {"ok": "pong"}
    assert busy_room.broker.depth(AUTH_REPORTS) == reports
    a_letter_arrives(busy_room)
    assert "Restoring" not in replica.log.read_text(encoding="utf-8")
    assert "connection lost" not in replica.log.read_text(encoding="utf-8").lower()


@pytest.mark.parametrize(
    "headers", [{"clock": "later"}, {"clock": 2**62}, {"compression": "application/x-bz2"}]
)
def test_headers_of_a_question_disturb_nobody(
    busy_room: Mailroom, flower: Celery, headers: dict[str, Any]
) -> None:
    send(busy_room, json.dumps(ASKING).encode(), headers=headers)
    assert ask(flower, "ping") == {"ok": "pong"}
    a_letter_arrives(busy_room)

"""`auth-service explain`: one timeline from request to click, and nothing that opens anything."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from auth_service.db.transactions import Transactions
from auth_service.flows.renew_letters import RenewLetters
from auth_service.outbox.claim import claim
from auth_service.outbox.release import release_failed
from auth_service.outbox.settle import settle_expired, settle_published
from mail_contract.messages import ReportedState
from service_runtime.database.engine import build_engine, build_sessions
from support import nursery
from support.auth_api import HASH_KEY, AuthApi
from support.database import Database
from support.outbox import report

COMMAND = Path(sys.executable).parent / "auth-service"
LINH = "Linh@example.com"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url)


@pytest.fixture
def sessions(api: AuthApi) -> sessionmaker[Session]:
    return build_sessions(build_engine(api.database_url, application="test"))


@pytest.fixture
def renewals(api: AuthApi, sessions: sessionmaker[Session]) -> RenewLetters:
    return RenewLetters(transactions=Transactions(sessions), letters=api.sign_up_letters)


def settings(api: AuthApi) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AUTH_DATABASE_URL": api.database_url,
        "AUTH_HASH_KEY": HASH_KEY,
    }


def explain(api: AuthApi, *arguments: str, code: int = 0) -> str:
    """What it prints; its complaint if it ends with another code than 0."""
    done = nursery.run([COMMAND, "explain", *arguments], environment=settings(api))
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def told(api: AuthApi, about: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(explain(api, about, "--json"))
    return found


def names(story: dict[str, Any]) -> list[str]:
    return [happening["event"] for happening in story["timeline"]]


def publish(sessions: sessionmaker[Session]) -> None:
    """The relay takes everything to the broker."""
    token = uuid4()
    with sessions.begin() as session:
        rows = claim(session, token=token, limit=100, lease=MINUTE)
        settle_published(session, token=token, ids=[row.id for row in rows])


def test_a_letter_is_followed_from_request_to_click(
    api: AuthApi, sessions: sessionmaker[Session], renewals: RenewLetters
) -> None:
    registered = api.register(LINH)
    receipt = registered.receipt
    letter = api.last_letter()
    letter_id = letter.envelope.header.id
    publish(sessions)
    renewals.take(report(letter_id, ReportedState.DEFERRED, reason="4.2.1"))
    renewals.take(report(letter_id, ReportedState.SENT))
    proof = {"token": letter.link_token, "registration_secret": registered.secret}
    assert api.post("/v1/verifications", proof).status_code == 200

    stories = [told(api, about) for about in ("linh@example.com", receipt, str(letter_id))]
    for story in stories:
        assert names(story)[:5] == ["registered", "requested", "published", "reported", "reported"]
        assert set(names(story)[5:]) == {"used", "confirmed"}
        assert story["timeline"][3]["reason"] == "4.2.1"
        assert {h["letter_id"] for h in story["timeline"]} == {str(letter_id), None}
        assert story["account"]["verified_at"]
        assert [one["ended_for"] for one in story["registrations"]] == ["confirmed"]
        assert [(one["id"], one["state"]) for one in story["letters"]] == [(str(letter_id), "sent")]

    for output in (explain(api, LINH), explain(api, receipt), explain(api, LINH, "--json")):
        assert str(letter_id) in output
        secrets = (
            letter.link_token,
            letter.code,
            receipt,
            registered.secret,
            LINH,
            "linh@",
            letter.envelope.sealed,
        )
        digest = hashlib.sha256(receipt.encode()).hexdigest()
        assert not [secret for secret in (*secrets, digest) if secret in output]
    assert "mailer-service explain" in explain(api, receipt)


def test_renewals_withdrawals_and_what_waits_are_told(
    api: AuthApi, sessions: sessionmaker[Session], renewals: RenewLetters
) -> None:
    registered = api.register(LINH)
    first = registered.receipt
    renewals.take(report(UUID(api.letter_id(first)), ReportedState.EXPIRED))
    second = api.resend(registered.secret)
    token = uuid4()
    with sessions.begin() as session:
        rows = claim(session, token=token, limit=100, lease=MINUTE)
        release_failed(session, token=token, failures={row.id: "returned 312" for row in rows})

    story = told(api, LINH)
    assert [name for name in names(story) if name not in {"in_outbox", "link_replaced"}] == [
        "registered",
        "requested",
        "reported",
        "renewed",
        "withdrawn",
        "requested",
    ]
    assert next(h for h in story["timeline"] if h["event"] == "withdrawn")["because"] == "superseded"
    waiting = [h for h in story["timeline"] if h["event"] == "in_outbox"]
    assert {h["last_error"] for h in waiting} == {"returned 312"}
    assert {h["kind"] for h in waiting} == {"letter", "cancellation"}
    root = api.letter_id(first)
    assert [one["renewal_of"] for one in story["letters"]] == [None, root, None]
    fresh = story["letters"][1]["id"]
    assert names(told(api, fresh)) == names(told(api, first)), "any letter of a request tells all of it"
    assert names(told(api, second)) == ["registered", "requested", "in_outbox"]


def test_a_letter_that_never_left_says_so_and_that_a_fresh_one_is_due(
    api: AuthApi, sessions: sessionmaker[Session]
) -> None:
    registered = api.register(LINH)
    receipt = registered.receipt
    token = uuid4()
    with sessions.begin() as session:
        (row,) = claim(session, token=token, limit=1, lease=MINUTE)
        settle_expired(session, token=token, ids=[row.id])
    assert "never left the outbox: expired" in explain(api, receipt)
    assert "a fresh one is due" in explain(api, receipt)


def test_a_decoy_is_known_as_one_to_the_operator_alone(api: AuthApi) -> None:
    receipt = api.resend_to("nobody@example.com")
    from_nothing = subprocess.run(
        [COMMAND, "explain", receipt], env=settings(api), capture_output=True, text=True, check=True
    )
    assert from_nothing.stdout == explain(api, receipt)
    for about in (receipt, "nobody@example.com"):
        assert "no account" in explain(api, about)
        assert "a decoy" in explain(api, about)


@pytest.mark.parametrize(
    "about", ["nobody@example.com", "x" * 43, "-" + "x" * 42, "3a276b1f-0063-4574-a623-b8140c022185", "a@b@c"]
)
def test_what_is_unknown_is_said_to_be(api: AuthApi, about: str) -> None:
    api.register(LINH)
    assert explain(api, about, code=1).strip()
    assert explain(api, about, "--json", code=1).strip()

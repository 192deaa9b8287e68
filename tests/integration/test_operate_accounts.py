"""`auth-service accounts`: what an operator sees of an account and does to it, and that it is written down."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from auth_service.db.base import Base
from auth_service.db.person import NOT_OF_A_PERSON, WITHHELD
from mail_contract.letters import LetterName
from support import nursery
from support.auth_api import PASSWORD, WRITER_SETTINGS, AuthApi
from support.database import Database
from support.signed_in import add_account

COMMAND = Path(sys.executable).parent / "auth-service"
LINH = "Linh@example.com"


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url)


def run(api: AuthApi, verb: str, about: object, *options: str, code: int = 0) -> str:
    environment = {"PATH": os.environ["PATH"], "AUTH_DATABASE_URL": api.database_url, **WRITER_SETTINGS}
    by = [] if verb in {"find", "show"} else ["--actor", "bao"]
    done = nursery.run([COMMAND, "accounts", verb, str(about), *by, *options], environment=environment)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def data(api: AuthApi, verb: str, about: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(api, verb, about, "--json"))
    return found


def account_id(api: AuthApi) -> str:
    ((id_,),) = api.sql("SELECT id FROM accounts")
    return str(id_)


def audited(api: AuthApi) -> list[tuple[Any, ...]]:
    """What operators did, the oldest first."""
    return api.sql(
        "SELECT actor, action, target, result FROM audit_events WHERE actor LIKE 'operator:%%' ORDER BY id"
    )


def open_session(api: AuthApi) -> None:
    api.sql(
        "INSERT INTO sessions (id, account_id, client_id, amr, auth_time, device, source, idle_until, expires_at)"
        " SELECT gen_random_uuid(), id, 'postern', '{pwd}', now(), 'Firefox on Linux', '203.0.113.9',"
        " now() + interval '1 day', now() + interval '1 day' FROM accounts"
    )


def test_an_account_is_disabled_and_enabled_once(api: AuthApi) -> None:
    api.verify(LINH)
    open_session(api)
    id_ = account_id(api)

    assert data(api, "disable", LINH) == {"action": "disable", "id": id_, "changed": True, "sessions": 1}
    assert data(api, "disable", id_)["changed"] is False
    letter = api.last_letter()
    assert (letter.envelope.header.letter, letter.contents.recipient) == (LetterName.ACCOUNT_DISABLED, LINH)
    assert api.sql("SELECT ended_for FROM sessions") == [("disabled",)]
    assert api.sql("SELECT disabled_at IS NOT NULL FROM accounts") == [(True,)]

    assert "is enabled" in run(api, "enable", LINH)
    assert "was not disabled" in run(api, "enable", LINH)
    open_session(api)
    assert "1 sessions ended" in run(api, "sign-out", LINH)
    assert audited(api) == [
        ("operator:bao", action, id_, "done") for action in ("account_disable", "account_enable", "sign_out")
    ]


def test_verified_by_its_address_an_account_has_no_password(api: AuthApi) -> None:
    api.register(LINH, locale="vi")
    assert data(api, "verify", LINH)["changed"] is True
    assert api.sql("SELECT email, locale, password_hash FROM accounts") == [(LINH, "vi", None)]
    assert api.sql("SELECT ended_for FROM registrations") == [("overtaken",)]
    assert data(api, "verify", LINH)["changed"] is False


def test_verified_by_its_registration_an_account_has_that_ones_password(api: AuthApi) -> None:
    registered = api.register(LINH)
    ((hers, hashed),) = api.sql("SELECT id, password_hash FROM registrations")
    api.register(LINH, password="a stranger's long guess at it")
    assert data(api, "verify", hers)["changed"] is True
    assert api.sql("SELECT password_hash FROM accounts") == [(hashed,)]
    assert api.receipt(registered.receipt)["state"] == "confirmed"
    assert api.sql("SELECT ended_for FROM registrations WHERE id <> %s", str(hers)) == [("overtaken",)]


def test_a_registration_whose_address_has_an_account_by_now_changes_nothing(api: AuthApi) -> None:
    api.register(LINH)
    ((pending,),) = api.sql("SELECT id FROM registrations")
    add_account(api, LINH, None)
    assert data(api, "verify", pending)["changed"] is False
    assert api.sql("SELECT password_hash FROM accounts") == [(None,)]
    assert api.sql("SELECT ended_for FROM registrations") == [(None,)]
    assert audited(api) == []


def test_a_deleted_account_leaves_its_id_in_the_audit_and_nothing_else(api: AuthApi) -> None:
    api.verify(LINH)
    id_ = account_id(api)
    assert "Aborted" in run(api, "delete", LINH, code=1)
    assert "is deleted" in run(api, "delete", LINH, "--yes")
    assert "There is no such account" in run(api, "delete", id_, "--yes", code=1)
    assert api.count("accounts") == 0
    assert api.last_letter().envelope.header.letter is LetterName.ACCOUNT_DELETED
    assert audited(api) == [("operator:bao", "account_delete", id_, "done")]
    assert set(json.loads(run(api, "export", id_))) >= {"audit_events"}
    assert "There is no such account" in run(api, "show", LINH, code=1)


def test_what_is_there_is_found_and_shown_and_what_is_not_is_said(api: AuthApi) -> None:
    for verb in ("find", "show", "disable", "verify", "export"):
        assert "There is no such account" in run(api, verb, "nobody@example.com", code=1)
        assert "There is no such account" in run(api, verb, uuid4(), code=1)
    api.verify(LINH)
    open_session(api)
    id_ = account_id(api)
    api.sql(
        "INSERT INTO email_changes (id, account_id, email, canonical_email, recipient_tag, old_email, old_canonical_email)"
        " SELECT gen_random_uuid(), id, 'new@example.com', 'new@example.com', 'tag', email, canonical_email FROM accounts"
    )
    assert id_ in run(api, "find", "linh@EXAMPLE.com")
    assert f"{LINH} to new@example.com" in run(api, "find", "new@example.com")
    shown = run(api, "show", id_)
    assert "has one" in shown
    assert "Firefox on Linux, 203.0.113.9" in shown
    assert "verify_address" in shown


def test_an_export_has_every_table_and_no_secret(api: AuthApi) -> None:
    api.register("somebody.else@example.com")
    api.verify(LINH)
    open_session(api)
    told = run(api, "export", LINH)
    found = json.loads(told)
    assert set(found) == set(Base.metadata.tables) - NOT_OF_A_PERSON
    assert (found["accounts"][0]["email"], found["accounts"][0]["has_password"]) == (LINH, True)
    assert found["sessions"][0]["source"] == "203.0.113.9"
    for table in ("registrations", "one_time_tokens", "letters", "letter_events"):
        assert found[table], table
    assert "somebody.else" not in told
    for secret in (PASSWORD, "$argon2id", *(column for columns in WITHHELD.values() for column in columns)):
        assert f'"{secret}"' not in told
    assert audited(api)[-1][1] == "account_export"

"""`auth-service accounts import`: everybody in the file once, whatever happens to the command meanwhile."""

import json
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from support import nursery
from support.auth_api import HASH_KEY, AuthApi
from support.database import Database
from support.eventually import eventually

COMMAND = Path(sys.executable).parent / "auth-service"
HASH = "$2b$08$W2GXKnNiA/.qyqecOXKzL.hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy"


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url)


def start(api: AuthApi, *arguments: str | Path) -> nursery.Errand:
    environment = {
        "PATH": os.environ["PATH"],
        "AUTH_DATABASE_URL": api.database_url,
        "AUTH_HASH_KEY": HASH_KEY,
    }
    command = [COMMAND, "accounts", "import", *arguments, "--json", "--actor", "bao"]
    return nursery.start(command, environment=environment)


def run(api: AuthApi, *arguments: str | Path, code: int = 0) -> tuple[dict[str, Any], list[str]]:
    """What it answers, and the refusals on standard error."""
    errand = start(api, *arguments)
    said, complaints = errand.communicate(60)
    assert errand.wait() == code, complaints
    return json.loads(said), [line for line in complaints.splitlines() if line.startswith("line ")]


def person(email: str, **changes: Any) -> str:
    return json.dumps({"email": email, "password_hash": HASH, "verified": True} | changes) + "\n"


def test_people_are_imported_once_and_each_refused_line_is_named(api: AuthApi, tmp_path: Path) -> None:
    api.verify("taken@example.com")
    api.register("registered@example.com")
    file, refused = tmp_path / "people.jsonl", tmp_path / "refused.jsonl"
    file.write_text(
        person("Linh@example.com", locale="vi", created_at="2019-05-06T07:08:09Z")
        + person("TAKEN@example.com")
        + person("registered@example.com", created_at="2999-01-01T00:00:00Z")
        + person("linh@EXAMPLE.com")
        + person("broken")
        + person("unconfirmed@example.com", verified=False)
        + person("link.only@example.com", password_hash="!")
    )
    counts = {"accounts": 3, "pending": 1, "refused": 3, "finished": True}
    complaints = [
        "line 2: the address has an account already",
        "line 4: an earlier line has the same address",
        "line 5: email: not an address that letters can be sent to",
    ]

    would, told = run(api, file, "--dry-run", code=3)
    assert {name: would[name] for name in counts} == counts
    assert told == complaints
    assert api.count("accounts") == 1

    answer, told = run(api, file, "--refused", refused, code=3)
    assert {name: answer[name] for name in counts} == counts
    assert told == complaints
    assert [json.loads(line)["line"] for line in refused.read_text().splitlines()] == [2, 4, 5]
    assert stat.S_IMODE(refused.stat().st_mode) == 0o600

    again, told = run(api, file, code=3)
    assert {name: again[name] for name in counts} == counts
    assert told == []
    assert api.sql(
        "SELECT email, locale, left(password_hash, 8), created_at < now() - interval '1 year', verified_at <= now()"
        " FROM accounts WHERE canonical_email <> 'taken@example.com' ORDER BY canonical_email"
    ) == [
        ("Linh@example.com", "vi", "$bcrypt$", True, True),
        ("link.only@example.com", "en", None, False, True),
        ("registered@example.com", "en", "$bcrypt$", False, True),
    ]
    assert api.sql(
        "SELECT canonical_email, ended_for, password_hash = '!' FROM registrations ORDER BY 1"
    ) == [
        ("registered@example.com", "overtaken", False),
        ("taken@example.com", "confirmed", False),
        ("unconfirmed@example.com", None, True),
    ]
    assert api.sql(
        "SELECT count(*) FROM audit_events JOIN accounts ON target = accounts.id::text"
        " WHERE action = 'account_import' AND actor = 'operator:bao' AND result = 'done'"
    ) == [(3,)]


def test_killed_and_run_again_it_goes_on_and_two_at_once_share_the_work(api: AuthApi, tmp_path: Path) -> None:
    people = 3000
    file = tmp_path / "people.csv"
    rows = "".join(f"p{n}@example.com,,1\n" for n in range(people))
    file.write_text(f"email,password_hash,verified\n{rows}")

    first = start(api, file)
    eventually(lambda: api.count("accounts") > 0, within=30, every=0.01)
    first.kill()
    assert first.wait(10) == -signal.SIGKILL
    assert api.count("accounts") < people

    both = [start(api, file), start(api, file)]
    for errand in both:
        _, complaints = errand.communicate(60)
        assert errand.wait() == 0, complaints
    assert api.sql("SELECT records, accounts, refused, finished_at IS NOT NULL FROM account_imports") == [
        (people, people, 0, True)
    ]
    assert api.count("accounts") == people


def test_who_is_imported_unconfirmed_chooses_a_password_by_the_letter(api: AuthApi, tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(person("linh@example.com", verified=False))
    run(api, file)
    api.resend_to("linh@example.com")
    token = api.last_letter().link_token
    assert api.post("/v1/verifications", {"token": token}).status_code == 409
    answer = api.post(
        "/v1/verifications", {"token": token, "password": "seven lanterns over a quiet harbour"}
    )
    assert answer.status_code == 200

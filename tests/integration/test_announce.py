"""`auth-service announce`: everybody verified gets one letter, whatever happens to the command meanwhile."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mail_contract.letters import LetterClass, LetterName
from support import nursery
from support.auth_api import WRITER_SETTINGS, AuthApi
from support.database import Database
from support.eventually import eventually
from support.infra import Infra

COMMAND = Path(sys.executable).parent / "auth-service"
TERMS = ("--url", "https://gate.example/terms/2027", "--applies-on", "2027-01-31")
OTHER_TERMS = ("--url", "https://gate.example/terms/2028", "--applies-on", "2027-01-31")


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url)


def people(api: AuthApi, how_many: int) -> None:
    api.sql(
        "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
        " SELECT gen_random_uuid(), address, address, 'x', CASE WHEN n %% 2 = 0 THEN 'vi' ELSE 'en' END,"
        "        now()"
        " FROM (SELECT n, md5(random()::text) || '@example.com' AS address FROM generate_series(1, %s) n) a",
        how_many,
    )


def command(*arguments: str) -> list[str]:
    return [str(COMMAND), "announce", *arguments, "--json"]


def settings(api: AuthApi) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AUTH_DATABASE_URL": api.database_url,
        "POSTERN_ACTOR": "linh",
        **WRITER_SETTINGS,
    }


@contextmanager
def announcing(api: AuthApi, *arguments: str) -> Iterator[nursery.Errand]:
    process = nursery.start(command(*arguments), environment=settings(api))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def announce(api: AuthApi, *arguments: str, code: int = 0) -> dict[str, Any]:
    with announcing(api, *arguments) as process:
        said, complaint = process.communicate(timeout=120)
    assert process.returncode == code, complaint
    return json.loads(said) if said else {"complaint": complaint}


def written(api: AuthApi) -> int:
    return int(api.sql("SELECT count(*) FROM letters WHERE letter = 'terms_changed'")[0][0])


def everybody_has_one(api: AuthApi, how_many: int) -> None:
    counts = "count(*), count(DISTINCT account_id), count(DISTINCT recipient_tag)"
    assert api.sql(f"SELECT {counts} FROM letters WHERE announcement = 'terms'") == [(how_many,) * 3]
    assert api.sql("SELECT count(*) FROM outbox JOIN letters ON letters.id = outbox.letter_id") == [
        (how_many,)
    ]
    assert api.sql("SELECT letters, recipients, finished_at IS NOT NULL FROM announcements") == [
        (how_many, how_many, True)
    ]


def test_everybody_verified_gets_one_bulk_letter_in_their_language(api: AuthApi) -> None:
    people(api, 7)
    api.register("not.confirmed@example.com")
    api.sql("DELETE FROM outbox")

    answer = announce(api, "terms", *TERMS, "--batch", "3", "--actor", "bao")

    assert api.sql("SELECT actor, action, target FROM audit_events") == [
        ("operator:bao", "announce", "terms")
    ]
    assert (answer["written"], answer["letters"], answer["finished"]) == (7, 7, True)
    everybody_has_one(api, 7)
    letters = api.letters()
    assert {letter.envelope.header.letter for letter in letters} == {LetterName.TERMS_CHANGED}
    assert {letter.envelope.header.letter_class for letter in letters} == {LetterClass.BULK}
    assert {letter.envelope.header.locale for letter in letters} == {"en", "vi"}
    assert {row[0] for row in api.sql("SELECT rank FROM outbox")} == {3}
    emails = {row[0] for row in api.sql("SELECT email FROM accounts")}
    assert {letter.contents.recipient for letter in letters} == emails
    assert letters[0].contents.context == {"url": TERMS[1], "applies_on": TERMS[3]}


@pytest.mark.slow
def test_killed_again_and_again_it_writes_each_letter_once_and_misses_nobody(api: AuthApi) -> None:
    people(api, 4000)
    for enough in (300, 1100, 2500):
        with announcing(api, "terms", *TERMS, "--batch", "50") as process:
            eventually(lambda enough=enough: written(api) >= enough, within=60, every=0.01)  # type: ignore[misc]
            process.kill()
            assert process.wait(timeout=10) == -signal.SIGKILL
        assert written(api) < 4000

    answer = announce(api, "terms")

    assert 0 < answer["written"] < 4000
    everybody_has_one(api, 4000)
    assert announce(api, "terms", *TERMS)["written"] == 0, "it is finished"


def test_two_at_once_share_the_work(api: AuthApi) -> None:
    people(api, 1000)
    with (
        announcing(api, "terms", *TERMS, "--batch", "10") as one,
        announcing(api, "terms", *TERMS, "--batch", "10") as other,
    ):
        assert (one.wait(timeout=90), other.wait(timeout=90)) == (0, 0)
    everybody_has_one(api, 1000)


def test_asked_to_stop_it_finishes_its_batch_and_says_how_to_go_on(api: AuthApi) -> None:
    people(api, 3000)
    with announcing(api, "terms", *TERMS, "--batch", "20") as process:
        eventually(lambda: written(api) > 0, within=60, every=0.01)
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    answer = json.loads(said)
    assert (answer["letters"], answer["finished"]) == (written(api), False)


def test_while_the_outbox_holds_enough_bulk_letters_it_waits(api: AuthApi) -> None:
    people(api, 500)
    with announcing(api, "terms", *TERMS, "--batch", "20", "--most-pending", "100") as process:
        for stop in (100, 200):
            eventually(lambda stop=stop: written(api) == stop, within=60)  # type: ignore[misc]
            assert process.poll() is None
            api.sql("DELETE FROM outbox")
        eventually(lambda: api.sql("DELETE FROM outbox") == [] and process.poll() is not None, within=60)
    assert process.returncode == 0
    assert written(api) == 500


def test_a_few_first_then_the_rest(api: AuthApi) -> None:
    people(api, 30)
    first = announce(api, "terms", *TERMS, "--limit", "4", "--batch", "3")
    assert (first["written"], first["finished"], written(api)) == (4, False, 4)
    assert announce(api, "terms", "--dry-run")["left"] == 26
    assert announce(api, "terms")["written"] == 26
    everybody_has_one(api, 30)


def test_a_dry_run_counts_and_writes_nothing(api: AuthApi) -> None:
    people(api, 5)
    done = subprocess.run(
        command("terms", *TERMS, "--dry-run"), env=settings(api), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["left"] == 5
    assert [api.count(table) for table in ("announcements", "letters", "outbox")] == [0, 0, 0]


def test_whoever_is_verified_after_the_start_gets_none(api: AuthApi) -> None:
    people(api, 5)
    announce(api, "terms", *TERMS, "--limit", "1")
    people(api, 5)
    announce(api, "terms")
    everybody_has_one(api, 5)


def test_whose_account_is_gone_meanwhile_gets_none(api: AuthApi) -> None:
    people(api, 5)
    announce(api, "terms", *TERMS, "--limit", "1")
    api.sql("DELETE FROM accounts WHERE id NOT IN (SELECT account_id FROM letters)")
    assert announce(api, "terms")["finished"]
    assert written(api) == 1


def test_a_verification_in_progress_at_the_start_is_waited_for(api: AuthApi) -> None:
    people(api, 3)
    with closing(psycopg2.connect(api.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
            " VALUES (gen_random_uuid(), 'late@example.com', 'late@example.com', 'x', 'en', now())"
        )
        with announcing(api, "terms", *TERMS) as process:
            eventually(lambda: api.count("announcements") == 1, within=30)
            assert process.poll() is None
            assert written(api) == 0
            connection.commit()
            assert process.wait(timeout=60) == 0
    assert written(api) == 4


def test_a_name_stands_for_one_announcement(api: AuthApi) -> None:
    people(api, 2)
    announce(api, "terms", *TERMS)
    assert "terms" in announce(api, "terms", *OTHER_TERMS, code=1)["complaint"]
    assert "terms" in announce(api, "terms", *OTHER_TERMS, "--dry-run", code=1)["complaint"]
    assert written(api) == 2
    assert announce(api, "terms-2028", *OTHER_TERMS)["written"] == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("unheard-of",), 1),
        (("unheard-of", "--dry-run"), 1),
        (("terms", "--url", "https://gate.example"), 2),
        (("terms", "--url", "javascript:x", "--applies-on", "2027-01-31"), 2),
        (("terms", "--url", "https://gate.example", "--applies-on", "31.1.2027"), 2),
        (("x" * 65, *TERMS), 2),
    ],
)
def test_what_makes_no_announcement_is_refused(api: AuthApi, arguments: tuple[str, ...], code: int) -> None:
    announce(api, *arguments, code=code)
    assert api.count("announcements") == 0


@pytest.mark.slow
def test_the_database_may_go_away_meanwhile(infra: Infra, api: AuthApi) -> None:
    people(api, 3000)
    with announcing(api, "terms", *TERMS, "--batch", "20") as process:
        eventually(lambda: written(api) > 0, within=60, every=0.01)
        infra.kill_postgres()
        infra.start_postgres()
        assert process.wait(timeout=90) == 0
    everybody_has_one(api, 3000)

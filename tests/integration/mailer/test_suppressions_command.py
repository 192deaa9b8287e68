"""`mailer-service suppressions`: what an operator reads and writes, and that no address is ever shown."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest

from mailer_service.suppression.recipient_hashes import RecipientHasher
from support import nursery
from support.database import Database
from support.mailroom import COMMAND, HASH_KEY

AN = "an.person@example.org"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def suppressions(mailer_database: Database) -> Run:
    """Runs the command on a database of the test's own."""

    def run(
        *arguments: str, stdin: str = "", url: str = mailer_database.url
    ) -> subprocess.CompletedProcess[str]:
        return nursery.run(
            [COMMAND, "suppressions", *arguments],
            environment={
                "PATH": os.environ["PATH"],
                "MAILER_DATABASE_URL": url,
                "MAILER_HASH_KEY": HASH_KEY,
                "POSTERN_ACTOR": "linh",
            },
            answer=stdin,
        )

    return run


def listed(suppressions: Run, *who: str) -> list[dict[str, object]]:
    done = suppressions("list", *who, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)["suppressions"]
    return found


def test_what_is_added_is_listed_by_tag_and_scope_only(suppressions: Run) -> None:
    done = suppressions("add", AN, "example.net", "--reason", "asked by phone", "--days", "7")
    assert done.returncode == 0, done.stderr
    first, second = listed(suppressions)
    assert {first["scope"], second["scope"]} == {"recipient", "domain"}
    assert first["reason"] == "asked by phone"
    assert first["holds"] is True
    assert first["expires_at"] is not None
    shown = done.stdout + suppressions("list").stdout + str((first, second))
    assert "person" not in shown
    assert "example" not in shown
    assert str(first["tag"]) in shown


def test_who_added_and_removed_what_is_written_down(suppressions: Run) -> None:
    suppressions("add", AN, "example.net", "--reason", "asked by phone", "--actor", "bao")
    suppressions("remove", AN)
    suppressions("remove", AN)
    done = suppressions("log", AN, "--json")
    acts = json.loads(done.stdout)["actions"]
    assert [(act["action"], act["reason"]) for act in acts] == [
        ("added", "asked by phone"),
        ("removed", "asked by phone"),
    ]
    assert acts[0]["actor"] == "bao"
    assert acts[1]["actor"] == "linh"
    assert suppressions("log").stdout.count("  added  ") == 2


def test_addresses_may_come_from_standard_input_out_of_sight(suppressions: Run) -> None:
    done = suppressions("add", "--json", stdin=f"{AN}\n\n bob@example.org \n")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["suppressions"]) == len(listed(suppressions)) == 2
    assert {entry["expires_at"] for entry in listed(suppressions)} == {None}


def test_a_listing_can_be_asked_about_somebody(suppressions: Run) -> None:
    suppressions("add", AN, "bob@example.org", "example.net")
    assert len(listed(suppressions, "AN.person@EXAMPLE.org")) == 1
    assert [entry["scope"] for entry in listed(suppressions, "anybody@example.net")] == ["domain"]
    assert listed(suppressions, "nobody@example.com") == []
    assert suppressions("list", "nobody@example.com").stdout == "none\n"


def test_what_is_added_again_is_one_entry_with_the_newest_words(suppressions: Run) -> None:
    suppressions("add", AN, "--days", "1")
    suppressions("add", AN.upper(), "--reason", "again")
    (only,) = listed(suppressions)
    assert (only["reason"], only["expires_at"], only["times"]) == ("again", None, 1)


def test_who_is_removed_gets_letters_again_and_a_second_time_is_an_error(suppressions: Run) -> None:
    suppressions("add", AN)
    done = suppressions("remove", AN, "--json")
    assert (done.returncode, json.loads(done.stdout)["removed"]) == (0, 1)
    assert listed(suppressions) == []
    again = suppressions("remove", stdin=AN)
    assert (again.returncode, again.stderr) == (1, "1 not found\n")


def test_a_tag_is_enough_to_remove_by(suppressions: Run) -> None:
    suppressions("add", AN, "bob@example.org")
    tag = str(listed(suppressions, AN)[0]["tag"])
    assert suppressions("remove", "--tag", tag[:10].upper()).returncode == 0
    assert listed(suppressions, AN) == []
    assert len(listed(suppressions)) == 1
    assert suppressions("remove", "--tag", "xy").returncode == 2
    assert suppressions("remove", "--tag", tag).returncode == 1


def test_what_a_server_got_wrong_is_removed_at_once(suppressions: Run, mailer_database: Database) -> None:
    suppressions("add", AN, "bob@example.org", "--reason", "5.1.1")
    suppressions("add", "example.net", "--reason", "asked")
    with (
        closing(psycopg2.connect(mailer_database.admin_url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        bob = RecipientHasher(HASH_KEY).hashes_of("bob@example.org").recipient
        cursor.execute("UPDATE suppressions SET since = now() - interval '1 day' WHERE key = %s", (bob,))
    assert suppressions("remove", "--reason", "5.1.1", "--hours", "2").stdout == "1 removed\n"
    assert len(listed(suppressions)) == 2
    assert suppressions("remove", "--reason", "5.1.1").returncode == 0
    assert [entry["reason"] for entry in listed(suppressions)] == ["asked"]
    assert suppressions("remove", "--reason", "5.1.1").returncode == 1
    assert suppressions("remove", AN, "--hours", "1").returncode == 2


def test_removing_somebody_whose_domain_is_suppressed_says_so(suppressions: Run) -> None:
    suppressions("add", AN, "example.org")
    done = suppressions("remove", AN)
    assert done.returncode == 0
    assert "whole domain is suppressed" in done.stderr


@pytest.mark.parametrize("command", ["add", "remove"])
def test_what_is_neither_address_nor_domain_is_refused_before_anything_is_done(
    suppressions: Run, command: str
) -> None:
    suppressions("add", "bob@example.org")
    done = suppressions(command, "bob@example.org", AN, "not an address")
    assert done.returncode == 1
    assert "number 3 is neither an address nor a domain; nothing was done" in done.stderr
    assert "not an address" not in done.stderr
    assert len(listed(suppressions)) == 1


def test_a_reason_may_not_hold_an_address(suppressions: Run) -> None:
    done = suppressions("add", AN, "--reason", f"see {AN}")
    assert done.returncode == 2
    assert listed(suppressions) == []


def test_a_missing_setting_is_named_and_a_database_away_is_said_to_be_away(suppressions: Run) -> None:
    bare = subprocess.run(
        [str(COMMAND), "suppressions", "list"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert bare.returncode == 2
    assert "MAILER_HASH_KEY: is missing" in bare.stderr
    away = suppressions("list", url="postgresql://nobody:secret@127.0.0.1:1/none")
    assert away.returncode == 1
    assert "database does not answer" in away.stderr
    assert "secret" not in away.stderr

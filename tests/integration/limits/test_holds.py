"""Held letters wait for an operator's word or for the end of their time, and for nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from auth_service.db.transactions import Transactions
from auth_service.domain.campaign import parse_suspicion
from auth_service.domain.history import timeline
from auth_service.domain.hold import HoldEnd, Selection
from auth_service.flows.end_holds import EndExpiredHolds, EndHolds
from auth_service.flows.explain import Explain
from auth_service.outbox.claim import claim
from auth_service.outbox.hold import hold_totals
from auth_service.outbox.release import measure_backlog
from auth_service.security.secrets import KeyedHash, Secret
from mail_contract.letters import LetterClass
from service_runtime.database.engine import build_engine, build_sessions
from support import nursery
from support.auth_api import HASH_KEY, AuthApi, Registered
from support.database import Database

MakeApi = Callable[..., AuthApi]
COMMAND = Path(sys.executable).parent / "auth-service"


@pytest.fixture
def transactions(auth_database: Database) -> Transactions:
    return Transactions(build_sessions(build_engine(auth_database.url, application="test")))


@pytest.fixture
def api(make_api: MakeApi) -> AuthApi:
    return make_api()


def hold_all(api: AuthApi) -> None:
    """As if all letters in the outbox had been held when they were written."""
    api.sql("UPDATE outbox SET held_for = 'many_proved', held_until = created_at + interval '1 hour'")
    api.sql("UPDATE registrations SET held_for = 'many_proved', proved = true")


@pytest.fixture
def held(api: AuthApi) -> list[Registered]:
    """Five registrations, the first the oldest, whose letters are held."""
    registered = [api.register(f"stranger-{number}@example.com") for number in range(5)]
    hold_all(api)
    for minutes, person in enumerate(reversed(registered)):
        api.sql(
            "UPDATE outbox SET created_at = created_at - %s WHERE letter_id = %s",
            timedelta(minutes=minutes),
            api.letter_id(person.receipt),
        )
    return registered


def sent_in_vain(api: AuthApi, count: int) -> None:
    """So many registrations whose letters were sent, and which nobody confirms."""
    for number in range(count):
        letter_id = api.letter_id(api.register(f"nobody-{number}@example.com").receipt)
        api.sql("DELETE FROM outbox WHERE letter_id = %s", letter_id)


def claimed(transactions: Transactions) -> int:
    with transactions.begin() as session:
        return len(claim(session, token=uuid4(), limit=100, lease=timedelta(seconds=30)))


def totals(transactions: Transactions) -> dict[HoldEnd, int]:
    with transactions.begin() as session:
        return {end: letters for end, letters in hold_totals(session).items() if letters}


@pytest.mark.usefixtures("held")
def test_no_relay_takes_held_letters_and_they_are_no_backlog(transactions: Transactions) -> None:
    assert claimed(transactions) == 0
    with transactions.begin() as session:
        backlog = measure_backlog(session)
    assert (backlog.rows, backlog.oldest_seconds, backlog.held) == (0, 0.0, 5)


def test_released_letters_go_the_oldest_first(
    api: AuthApi, held: list[Registered], transactions: Transactions
) -> None:
    assert EndHolds(transactions=transactions, by="bao").release(Selection(most=2)) == 2
    left = {
        str(letter.letter_id) for letter in EndHolds(transactions=transactions, by="bao").list(Selection())
    }
    assert left == {api.letter_id(person.receipt) for person in held[2:]}
    assert claimed(transactions) == 2
    assert totals(transactions) == {HoldEnd.RELEASED: 2}
    audited = "SELECT count(*) FROM audit_events JOIN letters ON target = recipient_tag AND detail->>'letter' = letters.id::text"
    assert api.sql(f"{audited} WHERE (actor, action, result) = ('operator:bao', 'hold_release', 'done')") == [
        (2,)
    ]
    # What is asked for again by those who were let go is not held either.
    api.resend(held[0].secret)
    assert claimed(transactions) >= 1


def test_dropped_letters_are_never_sent_and_their_receipts_say_so(
    api: AuthApi, held: list[Registered], transactions: Transactions
) -> None:
    assert EndHolds(transactions=transactions, by="bao").drop(Selection(older_than=timedelta(minutes=2))) == 3
    told = [api.receipt(person.receipt) for person in held]
    assert [receipt["state"] for receipt in told] == ["limited"] * 3 + ["accepted"] * 2
    assert [receipt["final"] for receipt in told] == [True] * 3 + [False] * 2
    assert totals(transactions) == {HoldEnd.DROPPED: 3}
    assert claimed(transactions) == 0


@pytest.mark.usefixtures("held")
def test_letters_are_selected_by_class(transactions: Transactions) -> None:
    holds = EndHolds(transactions=transactions, by="bao")
    assert holds.count(Selection(letter_class=LetterClass.BULK)) == 0
    assert holds.drop(Selection(letter_class=LetterClass.BULK)) == 0
    assert holds.release(Selection(letter_class=LetterClass.URGENT)) == 5


def test_one_that_was_withdrawn_meanwhile_is_superseded_not_limited(
    api: AuthApi, held: list[Registered], transactions: Transactions
) -> None:
    api.resend(held[0].secret)
    EndHolds(transactions=transactions, by="bao").drop(Selection())
    (first,) = api.sql("SELECT state FROM letters WHERE id = %s", api.letter_id(held[0].receipt))
    assert first == ("superseded",)


@pytest.mark.parametrize("campaign", [False, True])
def test_when_their_time_is_over_letters_go_unless_the_campaign_still_lasts(
    api: AuthApi, held: list[Registered], transactions: Transactions, campaign: bool
) -> None:
    expire = EndExpiredHolds(suspicion=parse_suspicion("5/hour 10%"))
    if campaign:
        sent_in_vain(api, 5)
    api.sql("UPDATE registrations SET created_at = now() - interval '30 minutes'")
    with transactions.begin() as session:
        assert expire(session, limit=100) == 0
    api.sql("UPDATE outbox SET held_until = now() - interval '1 second'")
    with transactions.begin() as session:
        assert expire(session, limit=100) == 5
    assert totals(transactions) == {HoldEnd.EXPIRED_DROPPED if campaign else HoldEnd.EXPIRED_RELEASED: 5}
    assert api.receipt(held[0].receipt)["state"] == ("limited" if campaign else "accepted")
    assert claimed(transactions) == (0 if campaign else 5)


def test_held_letters_do_not_prove_the_campaign_that_they_are_held_for(
    api: AuthApi, held: list[Registered], transactions: Transactions
) -> None:
    # Nor do requests for which nothing was sent: one mailbox that was asked for again and again is no campaign.
    sent_in_vain(api, 20)
    api.sql("UPDATE letters SET state = 'limited' WHERE id NOT IN (SELECT letter_id FROM outbox)")
    api.sql("UPDATE registrations SET created_at = now() - interval '30 minutes'")
    api.sql("UPDATE outbox SET held_until = now() - interval '1 second'")
    with transactions.begin() as session:
        EndExpiredHolds(suspicion=parse_suspicion("5/hour 10%"))(session, limit=100)
    assert totals(transactions) == {HoldEnd.EXPIRED_RELEASED: len(held)}


@pytest.mark.parametrize("ended", ["by hand", "by time"])
@pytest.mark.parametrize("lasts", [False, True])
def test_what_is_asked_for_again_after_a_drop_is_held_only_while_the_campaign_lasts(
    make_api: MakeApi, held: list[Registered], transactions: Transactions, ended: str, lasts: bool
) -> None:
    api = make_api()
    sent_in_vain(api, 5)
    api.sql("UPDATE registrations SET created_at = now() - interval '30 minutes'")
    if ended == "by hand":
        assert EndHolds(transactions=transactions, by="bao").drop(Selection()) == 5
    else:
        api.sql("UPDATE outbox SET held_until = now() - interval '1 second'")
        with transactions.begin() as session:
            assert EndExpiredHolds(suspicion=parse_suspicion("5/hour 10%"))(session, limit=100) == 5
    if not lasts:
        api.sql("UPDATE registrations SET created_at = now() - interval '2 hours'")
    watchful = make_api(campaign="5/hour 10%")
    receipts = [watchful.resend(held[0].secret), watchful.resend(held[0].secret)]
    watchful.resend_to("stranger-1@example.com")
    assert EndHolds(transactions=transactions, by="bao").count(Selection()) == (3 if lasts else 0)
    assert api.receipt(receipts[-1])["state"] == "accepted"


def command(database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    return nursery.run(
        [COMMAND, "held", *arguments],
        environment={
            "PATH": os.environ["PATH"],
            "AUTH_DATABASE_URL": database.url,
            "POSTERN_ACTOR": "bao",
        },
    )


def answer(database: Database, *arguments: str) -> dict[str, Any]:
    done = command(database, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.usefixtures("held")
def test_the_command_lists_counts_releases_and_drops_and_leaves_a_line(auth_database: Database) -> None:
    listed = answer(auth_database, "list", "--limit", "2")
    assert listed["held"] == 5
    assert [letter["reason"] for letter in listed["letters"]] == ["many_proved"] * 2
    assert "example.com" not in command(auth_database, "list").stdout

    asked = ("--older-than", "3m")
    assert answer(auth_database, "drop", *asked, "--dry-run") == {
        "action": "drop",
        "dry_run": True,
        "letters": 2,
    }
    dropped = command(auth_database, "drop", *asked)
    assert dropped.stdout == "2 dropped.\n"
    (line,) = (json.loads(line) for line in dropped.stderr.splitlines())
    assert (line["event"], line["action"], line["letters"]) == ("held_letters_ended", "drop", 2)
    assert line["actor"] == "bao"
    assert line["older_than_seconds"] == 180

    assert answer(auth_database, "release", "--all")["letters"] == 3
    assert command(auth_database, "list").stdout == "Nothing is held.\n"


@pytest.mark.usefixtures("held")
def test_the_command_wants_to_be_told_which(auth_database: Database) -> None:
    for verb in ("release", "drop"):
        refused = command(auth_database, verb)
        assert refused.returncode == 2
        assert "--all" in refused.stderr
    assert command(auth_database, "drop", "--older-than", "soon").returncode == 2
    assert answer(auth_database, "list")["held"] == 5


def test_explain_says_that_a_letter_is_held(held: list[Registered], transactions: Transactions) -> None:
    explain = Explain(transactions=transactions, keyed_hash=KeyedHash(HASH_KEY))
    (waiting,) = [
        happening.details
        for happening in timeline(explain(Secret(held[0].receipt)))
        if happening.name == "in_outbox"
    ]
    assert waiting["held_for"] == "many_proved"
    assert waiting["held_until"]

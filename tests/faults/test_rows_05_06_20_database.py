"""Rows 5, 6 and 20: the databases die, freeze, fill up, run out of connections, or are cut off in the middle of COMMIT."""

from contextlib import ExitStack, closing, suppress

import psycopg2
import pytest

from support.eventually import eventually
from support.faults.duration import lasting
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.proxy import Then, proxy_to
from support.faults.scenario import Scenario
from support.faults.small_disk import small_disk
from support.freezing import frozen

COMMIT = b"COMMIT\x00"
SETTLING = b"INSERT INTO attempts"


@pytest.mark.timeout(600)
@row(5, "kill -9 PostgreSQL under load", quick=True)
def test_a_killed_postgresql_loses_nothing_that_was_promised(scenario: Scenario) -> None:
    scenario.up(mailers=2)
    people = scenario.size(400, 60)
    with scenario.registering(people) as crowd:
        for n in range(1, scenario.size(5, 2) + 1):
            crowd.wait_for(scenario.chance.randrange(n * people // 8, n * people // 7), within=120)
            scenario.infra.kill_postgres()
            crowd.wait_for_answers(503)
            scenario.infra.start_postgres()
    scenario.healed()
    evidence = scenario.settle(within=180)
    assert evidence.delivered == evidence.requested


@pytest.mark.timeout(400)
@row(5, "SIGSTOP PostgreSQL 30 s")
def test_a_frozen_postgresql_is_answered_with_503_within_the_deadline(scenario: Scenario) -> None:
    scenario.up()
    with scenario.registering(scenario.size(200, 40)) as crowd:
        crowd.wait_for(10)
        with frozen([scenario.infra.postgres_pid]):
            lasting(scenario.size(30, 12))
            assert 503 in {answer.status for answer in crowd.answers}
        scenario.healed()
    evidence = scenario.settle(within=180)
    assert evidence.delivered == evidence.requested


@pytest.mark.timeout(400)
@row(5, "disk full")
def test_a_full_disk_is_answered_with_503_and_what_was_promised_is_sent(scenario: Scenario) -> None:
    at = scenario.services.at
    with small_disk(scenario.infra, databases=(at.auth_database, at.mailer_database)) as disk:
        scenario.up()
        with scenario.registering(scenario.size(300, 60)) as crowd:
            crowd.wait_for(10)
            disk.fill()
            scenario.commit_until_refused()
            crowd.wait_for_answers(503, count=3)
            lasting(scenario.size(20, 3))
            disk.make_room()
            scenario.healed()
        evidence = scenario.settle(within=180)
        assert evidence.delivered == evidence.requested
        scenario.services.kill("api", "relay", "auth-worker", "mailer")


@pytest.mark.timeout(400)
@row(5, "connections exhausted", quick=True)
def test_without_a_connection_to_be_had_the_answer_is_503(scenario: Scenario) -> None:
    scenario.up()
    with ExitStack() as hoard:
        take_every_connection(scenario, hoard)
        with scenario.registering(scenario.size(200, 40)) as crowd:
            crowd.wait_for_answers(503, count=20)
            lasting(scenario.size(30, 3))
            assert not crowd.receipts
            hoard.close()
            scenario.healed()
    evidence = scenario.settle(within=180)
    assert evidence.delivered == evidence.requested


def take_every_connection(scenario: Scenario, hoard: ExitStack) -> None:
    """End the services' sessions and take each place that becomes free, until they have none."""
    database = scenario.services.at.auth_database
    others = "usename IN ('auth', 'mailer') AND application_name <> 'hoard'"

    def all_taken() -> bool:
        rows(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        with suppress(psycopg2.OperationalError):
            while True:
                connection = psycopg2.connect(database.url, application_name="hoard")
                hoard.enter_context(closing(connection))
        ((left,),) = rows(database, f"SELECT count(*) FROM pg_stat_activity WHERE {others}")
        return bool(left == 0)

    eventually(all_taken, within=60)


@pytest.mark.timeout(400)
@row(6, "connection of the API reset during COMMIT", quick=True)
def test_a_reset_during_commit_leaves_one_account_and_every_committed_letter_ends(scenario: Scenario) -> None:
    with proxy_to(scenario.services.at.auth_database.url) as cable:
        scenario.up(env={"api": {"AUTH_DATABASE_URL": cable.address}})
        people = scenario.size(300, 60)
        for then in (Then.RESET_BEFORE, Then.RESET_AFTER):
            wire = cable.when(COMMIT, then, every=5, times=None)
            with scenario.registering(people // 2) as crowd:
                pass
            assert wire.played > 3
            assert 503 in {answer.status for answer in crowd.answers}
        cable.forget()
        scenario.healed()
        evidence = scenario.settle()
        assert evidence.delivered == evidence.requested
        scenario.services.kill("api")


@pytest.mark.timeout(400)
@row(6, "connection of the mailer reset while it records an acceptance", quick=True)
def test_an_acceptance_whose_commit_was_not_confirmed_is_read_again_and_not_guessed(
    scenario: Scenario,
) -> None:
    with proxy_to(scenario.services.at.mailer_database.url) as cable:
        # Few threads, so that few letters share a statement and many statements can be cut off.
        scenario.up(env={"mailer": {"MAILER_DATABASE_URL": cable.address, "MAILER_CONCURRENCY": "4"}})
        for then in (Then.RESET_BEFORE, Then.RESET_AFTER):
            wire = cable.when(SETTLING, then, every=4, times=None)
            letters = scenario.commit(scenario.size(200, 30))
            scenario.wait_until_sent(letters, within=90)
            assert wire.played > 3
        cable.forget()
        scenario.healed()
        evidence = scenario.settle()
        assert evidence.copies == 0
        scenario.services.kill("mailer")


@pytest.mark.timeout(400)
@row(20, "ledger database away", quick=True)
def test_without_its_ledger_a_mailer_speaks_to_no_server_and_loses_nothing(scenario: Scenario) -> None:
    with proxy_to(scenario.services.at.mailer_database.url) as cable:
        scenario.up(env={"mailer": {"MAILER_DATABASE_URL": cable.address}}, mailers=2)
        scenario.idle()
        cable.close()
        cable.reset()
        spoken = words_spoken(scenario)
        with scenario.registering(scenario.size(200, 30)):
            scenario.commit(scenario.size(300, 30))
        lasting(scenario.size(120, 8))
        assert words_spoken(scenario) == spoken
        cable.open()
        scenario.healed()
        evidence = scenario.settle(within=180)
        assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)
        scenario.services.kill("mailer")


def words_spoken(scenario: Scenario) -> int:
    """Letters begun on any connection to the mail server."""
    return sum(connection.commands.get("MAIL", 0) for connection in scenario.peer.connections())

"""The ground the other tests stand on: real servers, a place of its own for each test."""

from contextlib import closing

import psycopg2
import pytest

from mail_contract.topology import MAILER_URGENT, TOPOLOGY
from support.broker import VirtualHost
from support.database import Database
from support.infra import Infra


def test_the_broker_has_the_topology_and_no_guest(broker: VirtualHost) -> None:
    names = {queue["name"] for queue in broker.admin.get("queues", broker.vhost)}
    users = {user["name"] for user in broker.admin.get("users")}

    assert names == set(TOPOLOGY.queues)
    assert "guest" not in users
    assert broker.depth(MAILER_URGENT) == 0
    assert broker.peek(MAILER_URGENT) == []


@pytest.mark.slow
def test_the_broker_comes_back_after_being_killed_under_another_pid(
    infra: Infra, broker: VirtualHost
) -> None:
    before = infra.broker_pid

    infra.kill_broker()
    infra.start_broker()

    assert infra.broker_pid != before
    assert broker.depth(MAILER_URGENT) == 0


@pytest.mark.parametrize(("role", "database"), [("auth", "mailer"), ("mailer", "auth"), ("auth", "postgres")])
def test_a_service_cannot_enter_a_database_that_is_not_its_own(
    infra: Infra, role: str, database: str
) -> None:
    url = infra.cluster.url(user=role, password=infra.database_passwords[role], database=database)

    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(url)


def test_a_service_reads_and_writes_rows_but_makes_no_tables(auth_database: Database) -> None:
    with closing(psycopg2.connect(auth_database.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("CREATE TABLE notes (id int)")

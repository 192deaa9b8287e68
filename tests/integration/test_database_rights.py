"""Least rights in the databases, tested by trying what is forbidden."""

from collections.abc import Iterator, Mapping
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import extensions, sql

from auth_service.db.migrate import MIGRATIONS as AUTH
from mailer_service.db.migrate import MIGRATIONS as MAILER
from support.database import Database

RIGHTS: Mapping[str, Mapping[str, str]] = {"auth": AUTH.rights, "mailer": MAILER.rights}
ROWS = {
    "SELECT": "SELECT FROM {} LIMIT 0",
    "INSERT": "INSERT INTO {} DEFAULT VALUES",
    "UPDATE": "UPDATE {} SET {} = NULL WHERE false",
    "DELETE": "DELETE FROM {} WHERE false",
}
NEVER = (
    "TRUNCATE {} CASCADE",
    "ALTER TABLE {} ADD mine int",
    "ALTER TABLE {} OWNER TO CURRENT_USER",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "DROP TABLE {} CASCADE",
    "CREATE INDEX ON {} ((1))",
    "CREATE TRIGGER mine AFTER INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE TABLE mine (LIKE {})",
)
ELSEWHERE = (
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "CREATE EXTENSION file_fdw",
    "ALTER ROLE CURRENT_USER SET log_min_error_statement = 'error'",
    "ALTER SYSTEM SET log_statement = 'all'",
    "SET log_error_verbosity = 'verbose'",
    "SET log_min_error_statement = 'error'",
    "SET ROLE migrator",
    "SET SESSION AUTHORIZATION migrator",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_reload_conf()",
)


@pytest.fixture(params=RIGHTS)
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh, migrated database of each service."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def session(database: Database) -> Iterator[extensions.connection]:
    """As the service."""
    with closing(psycopg2.connect(database.url)) as connection:
        connection.autocommit = True
        yield connection


def may(session: extensions.connection, statement: sql.Composable) -> bool:
    """Whether the server lets the service do it; an error of any other kind comes after the question of rights."""
    with session.cursor() as cursor:
        try:
            cursor.execute(statement)
        except psycopg2.errors.InsufficientPrivilege:
            return False
        except psycopg2.Error:
            return True
    return True


def tables(session: extensions.connection) -> dict[str, str]:
    """One column of each table, by the table's name."""
    with session.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, min(a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND a.attnum > 0 AND a.attidentity = '' AND a.attgenerated = '' GROUP BY c.relname"
        )
        return dict(cursor.fetchall())


def test_a_service_has_the_rights_its_statements_need_on_each_table_and_no_other(
    database: Database, session: extensions.connection
) -> None:
    found = {
        table: ", ".join(
            verb
            for verb, statement in ROWS.items()
            if may(session, sql.SQL(statement).format(sql.Identifier(table), sql.Identifier(column)))
        )
        for table, column in tables(session).items()
    }
    assert found == dict(RIGHTS[database.service])


def test_a_service_can_neither_change_empty_drop_nor_give_away_a_table(
    session: extensions.connection,
) -> None:
    allowed = [
        (table, statement)
        for table in tables(session)
        for statement in NEVER
        if may(session, sql.SQL(statement).format(sql.Identifier(table)))
    ]
    assert allowed == []


def test_a_service_can_make_nothing_read_no_files_and_not_turn_on_the_servers_logging(
    session: extensions.connection,
) -> None:
    assert [statement for statement in ELSEWHERE if may(session, sql.SQL(statement))] == []

"""The migrations make what the models say, constraint by constraint, and may be run at any time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from auth_service.db import tables
from auth_service.db.migrate import MIGRATIONS, migrate
from service_runtime.database.engine import build_engine
from service_runtime.database.revision import known_revisions
from support.database import Database

CATALOGUE = """
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
           coalesce(pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = '{schema}'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
    FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = '{schema}'
"""


def catalogue(database: Database, schema: str) -> set[tuple[str, ...]]:
    with closing(psycopg2.connect(database.admin_url)) as connection, connection.cursor() as cursor:
        cursor.execute(CATALOGUE.format(schema=schema))
        rows = cursor.fetchall()
    plain = {tuple(str(value).replace(f"{schema}.", "") for value in row) for row in rows}
    return {row for row in plain if "alembic_version" not in str(row)}


@pytest.fixture
def modelled(auth_database: Database) -> Database:
    """The same database with a second schema, made from the models."""
    engine = build_engine(auth_database.admin_url, application="test", statement_limit=False)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA models")
        connection.exec_driver_sql("SET LOCAL search_path TO models")
        tables.Account.metadata.create_all(connection)
    engine.dispose()
    return auth_database


def test_migrations_make_what_the_models_say_down_to_the_last_check(modelled: Database) -> None:
    migrated, wanted = catalogue(modelled, "public"), catalogue(modelled, "models")
    assert wanted
    assert migrated == wanted


def test_alembic_finds_nothing_left_to_generate(auth_database: Database) -> None:
    engine = build_engine(auth_database.migrator_url, application="test", statement_limit=False)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, tables.Account.metadata) == []
    engine.dispose()


def test_migrating_again_or_twice_at_once_changes_nothing(auth_database: Database) -> None:
    before = catalogue(auth_database, "public")
    with ThreadPoolExecutor(2) as pool:
        assert (
            list(pool.map(migrate, [auth_database.migrator_url] * 2))
            == [known_revisions(MIGRATIONS.package)[-1]] * 2
        )
    assert catalogue(auth_database, "public") == before


def test_what_a_newer_release_has_migrated_is_left_as_it_is(auth_database: Database) -> None:
    with closing(psycopg2.connect(auth_database.migrator_url)) as owner, owner, owner.cursor() as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = '9999'")
        cursor.execute("REVOKE SELECT ON TABLE letters FROM auth")
    assert migrate(auth_database.migrator_url) == "9999"
    with closing(psycopg2.connect(auth_database.admin_url)) as admin, admin.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('auth', 'letters', 'SELECT')")
        assert cursor.fetchone() == (False,)


def test_a_table_in_use_lets_a_migration_fail_soon_and_not_hold_up_everybody_behind_it(
    auth_database: Database,
) -> None:
    config, engine = MIGRATIONS.config(), build_engine(auth_database.migrator_url, application="test")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    engine.dispose()
    with closing(psycopg2.connect(auth_database.migrator_url)) as other, other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM outbox")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(auth_database.migrator_url)
        other.rollback()
    assert migrate(auth_database.migrator_url) == known_revisions(MIGRATIONS.package)[-1]


def test_going_back_to_a_release_that_knows_no_disabled_accounts_is_refused_while_there_are_some(
    auth_database: Database,
) -> None:
    """They would be open there, and open again after the next upgrade."""
    with closing(psycopg2.connect(auth_database.migrator_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts (id, email, canonical_email, locale, verified_at, disabled_at)"
            " VALUES (gen_random_uuid(), 'a', 'a', 'en', now(), now())"
        )
        connection.commit()
        config, engine = MIGRATIONS.config(), build_engine(auth_database.migrator_url, application="test")
        with engine.connect() as going_back:
            config.attributes["connection"] = going_back
            with pytest.raises(RuntimeError, match="disabled"):
                command.downgrade(config, "0004")
        engine.dispose()
        cursor.execute("SELECT count(*) FROM accounts WHERE disabled_at IS NOT NULL")
        assert cursor.fetchone() == (1,)


def test_the_service_itself_may_not_change_the_tables(auth_database: Database) -> None:
    with closing(psycopg2.connect(auth_database.url)) as connection, connection.cursor() as cursor:
        for statement in ("DROP TABLE outbox", "CREATE TABLE mine ()", "ALTER TABLE accounts ADD x int"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
            connection.rollback()


def test_the_revisions_asked_for_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(MIGRATIONS.config()).walk_revisions()
    assert list(known_revisions(MIGRATIONS.package)) == [script.revision for script in scripts][::-1]

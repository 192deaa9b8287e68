"""What an older release had taken for one mailbox is told apart by the migration."""

import uuid
from contextlib import closing

import psycopg2
from alembic import command
from sqlalchemy import text

from auth_service.db.migrate import MIGRATIONS, migrate
from service_runtime.database.engine import build_engine
from support.database import Database

OLD_FORMS = {
    "straße@example.com": "strasse@example.com",
    "mar\u212a@example.com": "mark@example.com",
    "ศิริธำรง@bücher.example": "ศิริธํารง@xn--bcher-kva.example",
    "NGUYỄN@example.com": "nguyễn@example.com",
    "ann@bücher.example": "ann@xn--bcher-kva.example",
    "Bob@example.com": "bob@example.com",
}
NEW_FORMS = OLD_FORMS | {
    "straße@example.com": "straße@example.com",
    # Not `mark`, which is somebody else's.
    "mar\u212a@example.com": "mar\u212a@example.com",
    "ศิริธำรง@bücher.example": "ศิริธำรง@xn--bcher-kva.example",
}


def test_folded_addresses_are_told_apart(auth_database: Database) -> None:
    engine = build_engine(auth_database.migrator_url, application="test", statement_limit=False)
    config = MIGRATIONS.config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        for email, canonical in OLD_FORMS.items():
            connection.execute(
                text(
                    "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
                    " VALUES (:id, :email, :canonical, 'x', 'en', now())"
                ),
                {"id": uuid.uuid4(), "email": email, "canonical": canonical},
            )
    engine.dispose()
    migrate(auth_database.migrator_url)
    with closing(psycopg2.connect(auth_database.url)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT email, canonical_email FROM accounts")
        assert dict(cursor.fetchall()) == NEW_FORMS

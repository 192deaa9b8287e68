"""Who had registered with an older release may still confirm: their links work, with a password chosen now."""

import hashlib
import uuid

import pytest
from alembic import command
from sqlalchemy import text

from auth_service.db.migrate import MIGRATIONS, migrate
from service_runtime.database.engine import build_engine
from support.auth_api import PASSWORD, AuthApi
from support.database import Database

OLD_ROWS = """
    INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)
    VALUES (:account, :email, :canonical, 'x', 'vi', CASE WHEN :verified THEN now() END);
    INSERT INTO letters (id, account_id, letter, letter_class, recipient_tag, receipt_hash, state, expires_at)
    VALUES (:letter, :account, 'verify_address', 'urgent', 'tag', :hash, 'sent', now() + interval '1 day');
    INSERT INTO letter_events (letter_id, state) VALUES (:letter, 'accepted'), (:letter, 'sent');
    INSERT INTO one_time_tokens (id, account_id, purpose, address, generation, link_hash, code_hash, expires_at, used_at)
    VALUES (:letter, :account, 'verify_address', :email, 1, :hash, :hash, now() + interval '1 day',
            CASE WHEN :verified THEN now() END)
"""


PEOPLE = (
    ("pending", "pending", "pending"),
    ("verified", "verified", "verified"),
    ("pending-folded", "straße", "strasse"),
    ("verified-folded", "gruß", "gruss"),
)
"""Name, local part as typed, and in the form that older release compared."""


@pytest.fixture
def upgraded(auth_database: Database) -> AuthApi:
    """A database with a pending and a verified person of an older release, migrated; links are `link-` and the name."""
    engine = build_engine(auth_database.migrator_url, application="test", statement_limit=False)
    config = MIGRATIONS.config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        for name, local, folded in PEOPLE:
            values = {
                "account": uuid.uuid4(),
                "letter": uuid.uuid4(),
                "email": f"{local}@example.com",
                "canonical": f"{folded}@example.com",
                "verified": name.startswith("verified"),
                "hash": hashlib.sha256(f"link-{name}".encode()).digest(),
            }
            for statement in OLD_ROWS.split(";"):
                used = {key: value for key, value in values.items() if f":{key}" in statement}
                connection.execute(text(statement), used)
    engine.dispose()
    migrate(auth_database.migrator_url)
    return AuthApi.on(auth_database.url)


def test_a_link_of_an_older_release_confirms_with_a_password(upgraded: AuthApi) -> None:
    assert sorted(upgraded.sql("SELECT canonical_email FROM accounts")) == [
        ("gruß@example.com",),
        ("verified@example.com",),
    ]
    answer = upgraded.post("/v1/verifications", {"token": "link-pending"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "password_needed")
    answer = upgraded.post("/v1/verifications", {"token": "link-pending", "password": PASSWORD})
    assert answer.status_code == 200
    assert upgraded.sql("SELECT locale FROM accounts WHERE email = 'pending@example.com'") == [("vi",)]


def test_a_used_link_is_still_known_as_one_and_a_receipt_tells_no_more_than_that_it_was_accepted(
    upgraded: AuthApi,
) -> None:
    answer = upgraded.post("/v1/verifications", {"token": "link-verified"})
    assert (answer.status_code, answer.get_json()["code"]) == (410, "used_link")
    for name in ("pending", "verified"):
        assert upgraded.receipt(f"link-{name}")["state"] == "accepted"


def test_who_was_pending_under_the_name_of_another_mailbox_signs_up_again(upgraded: AuthApi) -> None:
    # The tag that stands for a mailbox everywhere cannot be made again by a migration, which has no key.
    answer = upgraded.post("/v1/verifications", {"token": "link-pending-folded", "password": PASSWORD})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown_link")
    left = upgraded.sql("SELECT canonical_email FROM registrations WHERE ended_at IS NULL")
    assert left == [("pending@example.com",)]
    assert upgraded.post("/v1/verifications", {"token": "link-verified-folded"}).status_code == 410
    assert upgraded.receipt("link-pending-folded")["state"] == "accepted"
    upgraded.verify("straße@example.com")

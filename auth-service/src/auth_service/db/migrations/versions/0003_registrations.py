"""Registrations pending beside each other; accounts are verified people only."""

from __future__ import annotations

import unicodedata
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATES = (
    "state IN ('accepted', 'deferred', 'expired', 'failed', 'limited', 'queued', 'sent', 'superseded',"
    " 'suppressed', 'unconfirmed')"
)
OLD_STATES = (
    "state IN ('accepted', 'deferred', 'expired', 'failed', 'queued', 'sent', 'superseded', 'suppressed')"
)

# Whoever registered before has a link or a code and no secret: these hashes are of nothing anybody knows. A confirmed
# registration stands for each account whose tokens are remembered, so that a used link is still known as one.
CONVERT = """
    INSERT INTO registrations (id, email, canonical_email, recipient_tag, password_hash, locale, secret_hash, refusal_hash,
                               created_at, ended_at, ended_for, confirmed_with)
    SELECT a.id, a.email, a.canonical_email, l.recipient_tag, a.password_hash, a.locale,
           sha256(uuid_send(gen_random_uuid())), sha256(uuid_send(gen_random_uuid())),
           a.created_at, a.verified_at,
           CASE WHEN a.verified_at IS NOT NULL THEN 'confirmed' END,
           CASE WHEN a.verified_at IS NOT NULL THEN 'password' END
    FROM accounts a
    CROSS JOIN LATERAL (SELECT recipient_tag FROM letters WHERE account_id = a.id LIMIT 1) l
    WHERE EXISTS (SELECT FROM one_time_tokens t WHERE t.account_id = a.id)
"""


def upgrade() -> None:
    op.create_table(
        "registrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("canonical_email", sa.Text(), nullable=False),
        sa.Column("recipient_tag", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), server_default="", nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("refusal_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_for", sa.Text(), nullable=True),
        sa.Column("confirmed_with", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "length(email) <= 320 AND length(canonical_email) <= 320", name=op.f("ck_registrations_length")
        ),
        sa.CheckConstraint(
            "octet_length(secret_hash) = 32 AND octet_length(refusal_hash) = 32",
            name=op.f("ck_registrations_hashes"),
        ),
        sa.CheckConstraint(
            "length(device) <= 64 AND length(client_id) <= 64", name=op.f("ck_registrations_words")
        ),
        sa.CheckConstraint(
            "ended_for IN ('confirmed', 'overtaken', 'refused', 'taken')",
            name=op.f("ck_registrations_ended_for"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name=op.f("ck_registrations_ended")),
        sa.CheckConstraint(
            "confirmed_with IN ('password', 'registration_secret')",
            name=op.f("ck_registrations_confirmed_with"),
        ),
        sa.CheckConstraint(
            "(confirmed_with IS NOT NULL) = (ended_for IS NOT DISTINCT FROM 'confirmed')",
            name=op.f("ck_registrations_confirmed"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_registrations_secret_hash")),
        sa.UniqueConstraint("refusal_hash", name=op.f("uq_registrations_refusal_hash")),
    )
    op.create_index(op.f("ix_registrations_canonical_email"), "registrations", ["canonical_email"])
    op.create_index("ix_registrations_created_at", "registrations", ["created_at"])
    op.create_table(
        "refused_mailboxes",
        sa.Column("recipient_tag", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recipient_tag", name=op.f("pk_refused_mailboxes")),
    )
    op.execute(CONVERT)
    _hang_tokens_on_registrations()
    _hang_letters_on_registrations()
    _keep_verified_accounts_only()
    _tell_folded_addresses_apart()


def _hang_tokens_on_registrations() -> None:
    op.add_column("one_time_tokens", sa.Column("registration_id", sa.Uuid(), nullable=True))
    # The address and generation a token was bound to are its account's own, or it was void already.
    op.execute(
        "UPDATE one_time_tokens t SET registration_id = r.id FROM registrations r WHERE r.id = t.account_id"
    )
    op.execute("DELETE FROM one_time_tokens WHERE registration_id IS NULL AND voided_at IS NULL")
    op.drop_index("uq_one_time_tokens_open", table_name="one_time_tokens")
    op.drop_index(op.f("ix_one_time_tokens_account_id"), table_name="one_time_tokens")
    op.drop_constraint(op.f("ck_one_time_tokens_decoy_is_void"), "one_time_tokens")
    for column in ("account_id", "address", "generation"):
        op.drop_column("one_time_tokens", column)
    op.create_check_constraint(
        op.f("ck_one_time_tokens_decoy_is_void"),
        "one_time_tokens",
        "registration_id IS NOT NULL OR voided_at IS NOT NULL",
    )
    op.create_foreign_key(
        op.f("fk_one_time_tokens_registration_id"),
        "one_time_tokens",
        "registrations",
        ["registration_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(op.f("ix_one_time_tokens_registration_id"), "one_time_tokens", ["registration_id"])


def _hang_letters_on_registrations() -> None:
    op.add_column("letters", sa.Column("registration_id", sa.Uuid(), nullable=True))
    # Nobody can say any more which receipt was of a registration and which of an address that anybody could name.
    op.add_column(
        "letters", sa.Column("receipt_tells", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.execute(
        "UPDATE letters l SET registration_id = r.id FROM registrations r"
        " WHERE r.id = l.account_id AND l.letter = 'verify_address'"
    )
    op.create_foreign_key(
        op.f("fk_letters_registration_id"),
        "letters",
        "registrations",
        ["registration_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix_letters_registration_id"), "letters", ["registration_id"])
    for table in ("letters", "letter_events"):
        op.drop_constraint(op.f(f"ck_{table}_state"), table)
        op.create_check_constraint(op.f(f"ck_{table}_state"), table, STATES)


def _keep_verified_accounts_only() -> None:
    op.execute("DELETE FROM accounts WHERE verified_at IS NULL")
    op.drop_index("ix_accounts_unverified", table_name="accounts")
    op.drop_constraint(op.f("ck_accounts_generation"), "accounts")
    op.drop_column("accounts", "generation")
    op.alter_column("accounts", "verified_at", nullable=False)


def _tell_folded_addresses_apart() -> None:
    """The canonical form is NFC and lower case now: what case folding and NFKC had made one (`ß`, `ss`) is two again.

    It tells apart more than the old form did, so no two rows can come to share one. The tag of a mailbox is a keyed hash of the
    old form, and the key is not at hand here: a pending registration that has such a tag would share locks, refusals and
    suppressions with what it was told apart from. It ends, and its person signs up again.
    """
    connection = op.get_bind()
    told_apart: dict[str, list[uuid.UUID]] = {"accounts": [], "registrations": []}
    for name in ("accounts", "registrations"):
        table = sa.table(name, sa.column("id"), sa.column("email"), sa.column("canonical_email"))
        rows = table.c
        beyond_ascii = sa.func.octet_length(rows.email) > sa.func.length(rows.email)
        for row in connection.execute(sa.select(*rows).where(beyond_ascii)).all():
            canonical = f"{_canonical_local(row.email)}@{row.canonical_email.rpartition('@')[2]}"
            if canonical != row.canonical_email:
                connection.execute(
                    sa.update(table).where(rows.id == row.id).values(canonical_email=canonical)
                )
                told_apart[name].append(row.id)
    pending = sa.table("registrations", sa.column("id"), sa.column("ended_at"))
    connection.execute(
        sa.delete(pending).where(pending.c.id.in_(told_apart["registrations"]), pending.c.ended_at.is_(None))
    )


def _canonical_local(email: str) -> str:
    local = email.rpartition("@")[0]
    composed = (unicodedata.normalize("NFC", character) for character in local)
    if any(len(new) == 1 and new != old for old, new in zip(local, composed, strict=True)):
        # A Kelvin sign and the like: nobody can register it any more, so it must not take the place of what it resembles.
        return local
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())


def downgrade() -> None:
    """Goes back without what the older release cannot hold: pending registrations and their tokens."""
    op.alter_column("accounts", "verified_at", nullable=True)
    op.add_column("accounts", sa.Column("generation", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_accounts_generation"), "accounts", "generation >= 1")
    op.create_index(
        "ix_accounts_unverified", "accounts", ["created_at"], postgresql_where=sa.text("verified_at IS NULL")
    )
    op.execute("DELETE FROM letters WHERE state IN ('limited', 'unconfirmed')")
    op.execute("DELETE FROM letter_events WHERE state IN ('limited', 'unconfirmed')")
    for table in ("letters", "letter_events"):
        op.drop_constraint(op.f(f"ck_{table}_state"), table)
        op.create_check_constraint(op.f(f"ck_{table}_state"), table, OLD_STATES)
    for column in ("registration_id", "receipt_tells"):
        op.execute(f"ALTER TABLE letters DROP COLUMN {column} CASCADE")
    op.execute("DELETE FROM one_time_tokens")
    op.execute("ALTER TABLE one_time_tokens DROP COLUMN registration_id CASCADE")
    op.add_column("one_time_tokens", sa.Column("account_id", sa.Uuid(), nullable=True))
    op.add_column("one_time_tokens", sa.Column("address", sa.Text(), nullable=False))
    op.add_column("one_time_tokens", sa.Column("generation", sa.Integer(), nullable=False))
    op.create_foreign_key(
        op.f("fk_one_time_tokens_account_id"),
        "one_time_tokens",
        "accounts",
        ["account_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_check_constraint(
        op.f("ck_one_time_tokens_decoy_is_void"),
        "one_time_tokens",
        "account_id IS NOT NULL OR voided_at IS NOT NULL",
    )
    op.create_index(op.f("ix_one_time_tokens_account_id"), "one_time_tokens", ["account_id"])
    op.create_index(
        "uq_one_time_tokens_open",
        "one_time_tokens",
        ["account_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL AND voided_at IS NULL"),
    )
    op.drop_table("refused_mailboxes")
    op.drop_table("registrations")

"""Addresses that an API knows well, hardly or not at all, in numbers: whoever asks about one must not learn which it is."""

from support.auth_api import AuthApi

STANDINGS = ("unknown", "unverified", "verified")
"""Nobody registered it; somebody did and never confirmed it; it has an account."""


def address(standing: str, number: int) -> str:
    """The address of that standing and number."""
    return f"{standing:_>10}.{number:04d}@example.com"


def strangers_secret(standing: str, number: int) -> str:
    """The `registration_secret` of the stranger who registered it, where `strangers` were."""
    return f"{standing:_>10}.{number:04d}".ljust(43, "-")


def people(api: AuthApi, standing: str, how_many: int) -> None:
    """Registrations as they are a while after: the letter sent, the token open or used; of a verified one the account."""
    api.sql(
        """
        WITH person AS (
            SELECT gen_random_uuid() AS id, %s AS verified,
                   lpad(%s, 10, '_') || '.' || lpad(n::text, 4, '0') || '@example.com' AS address
            FROM generate_series(0, %s - 1) n),
        account AS (
            INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)
            SELECT id, address, address, repeat('x', 97), 'en', now() FROM person WHERE verified),
        registration AS (
            INSERT INTO registrations (id, email, canonical_email, recipient_tag, password_hash, locale, secret_hash,
                                       refusal_hash, created_at, ended_at, ended_for, confirmed_with)
            SELECT id, address, address, 'tag', repeat('x', 97), 'en', sha256(id::text::bytea), sha256(id::text::bytea),
                   now() - interval '1 hour', CASE WHEN verified THEN now() END,
                   CASE WHEN verified THEN 'confirmed' END, CASE WHEN verified THEN 'password' END
            FROM person
            RETURNING id, ended_at)
        INSERT INTO one_time_tokens (id, registration_id, purpose, link_hash, code_hash, expires_at, used_at)
        SELECT gen_random_uuid(), id, 'verify_address', sha256(id::text::bytea),
               sha256(id::text::bytea), now() + interval '1 day', ended_at - interval '1 hour'
        FROM registration
        """,
        standing == "verified",
        standing,
        how_many,
    )


def strangers(api: AuthApi, standing: str, how_many: int) -> None:
    """A stranger registered each address of that standing, too, with a password of their own."""
    api.sql(
        """
        WITH registration AS (
            INSERT INTO registrations (id, email, canonical_email, recipient_tag, password_hash, locale, secret_hash,
                                       refusal_hash, created_at, ended_at, ended_for)
            SELECT gen_random_uuid(), name || '@example.com', name || '@example.com', md5(name), repeat('y', 97), 'en',
                   sha256(rpad(name, 43, '-')::bytea), sha256(('refusal' || name)::bytea), now() - interval '1 hour',
                   CASE WHEN taken THEN now() - interval '1 hour' END, CASE WHEN taken THEN 'taken' END
            FROM (SELECT lpad(%s, 10, '_') || '.' || lpad(n::text, 4, '0') AS name, %s AS taken
                  FROM generate_series(0, %s - 1) n) AS named
            RETURNING id, ended_at)
        INSERT INTO one_time_tokens (id, registration_id, purpose, link_hash, code_hash, expires_at, voided_at)
        SELECT gen_random_uuid(), id, 'verify_address', sha256(id::text::bytea), sha256(id::text::bytea),
               now() + interval '1 day', ended_at
        FROM registration
        """,
        standing,
        standing == "verified",
        how_many,
    )

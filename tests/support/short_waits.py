"""A ledger whose delayed tries fit waiting rooms that a test has shortened: the mailer goes by their usual lengths."""

from contextlib import closing
from datetime import timedelta

import psycopg2

_SHORTEN = """
    CREATE OR REPLACE FUNCTION shorten_waits() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.next_at IS NOT NULL THEN
            NEW.next_at := least(NEW.next_at, now() + make_interval(secs => %s));
        END IF;
        RETURN NEW;
    END $$;
    DROP TRIGGER IF EXISTS shorten_waits ON letters;
    CREATE TRIGGER shorten_waits BEFORE UPDATE OF next_at ON letters
        FOR EACH ROW EXECUTE FUNCTION shorten_waits();
"""


def shorten_delays(admin_url: str, shortest: timedelta) -> None:
    """Let no delay that the ledger keeps be longer than the shortest waiting room now is."""
    with closing(psycopg2.connect(admin_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_SHORTEN, (shortest.total_seconds(),))

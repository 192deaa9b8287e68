"""The doctor looks into both databases, and never hangs at one that does not answer."""

import time
from contextlib import closing
from types import SimpleNamespace
from typing import cast

import psycopg2
import pytest

from postern_local.lost_letters import lost_letters
from postern_rabbitmq.doctor.finding import Code
from postern_rabbitmq.doctor.snapshot import Snapshot
from support.database import Database

EMPTY = cast("Snapshot", SimpleNamespace(earlier={}, queues={}))


@pytest.mark.parametrize("locked", ["the ledger", "auth-service"])
def test_a_locked_table_is_said_after_a_few_seconds_and_the_other_database_is_asked(
    auth_database: Database, mailer_database: Database, locked: str
) -> None:
    database = {"the ledger": mailer_database, "auth-service": auth_database}[locked]
    check = lost_letters(auth=auth_database.admin_url, mailer=mailer_database.admin_url)
    with closing(psycopg2.connect(database.admin_url)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE letters IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        found = list(check(EMPTY))
    assert time.monotonic() - began < 8
    assert [(one.code, one.object) for one in found] == [(Code.LETTERS_NOT_COUNTED, locked)]

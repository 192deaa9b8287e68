"""Two beats by accident: every piece of scheduled work is asked for twice at once, and is done once."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any, Final

import pytest
from celery import Celery

from auth_service.db.transactions import Transactions
from auth_service.domain.limit import parse_limit
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.end_holds import EndExpiredHolds
from auth_service.flows.limits import MailboxLimit, Unobserved
from auth_service.flows.remind_registrations import RemindRegistrations
from auth_service.flows.renew_letters import RenewLetters
from auth_service.maintenance.tasks import register_maintenance_tasks
from auth_service.security.secrets import KeyedHash
from auth_service.worker_status import WorkerStatus
from mail_contract import tasks
from service_runtime.celery.app import build_app
from service_runtime.database.engine import build_engine, build_sessions
from support.auth_api import HASH_KEY, AuthApi
from support.database import Database
from support.outbox import Outbox

MANY: Final = 40
FEW: Final = 3
HASH = "decode(md5(n::text) || md5('x' || n), 'hex')"
SERIES = f"generate_series(1, {MANY}) AS n"
ACCOUNTS = (
    "INSERT INTO accounts (id, email, canonical_email, locale, verified_at)"
    f" SELECT gen_random_uuid(), n, n, 'en', now() FROM {SERIES}"
)
SESSIONS = (
    "INSERT INTO sessions (id, account_id, client_id, amr, auth_time, created_at, idle_until, expires_at)"
    " SELECT gen_random_uuid(), id, 'postern', '{pwd}', now(), now() - interval '90 days', now() - interval '31 days',"
    " now() FROM accounts"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A piece of scheduled work.

    Attributes:
        seed: statements that leave something to do, or a function.
        done: what tells how much of it was done, as a number.
        times: what that number is if everything was done once.
    """

    seed: tuple[str, ...] | Callable[[AuthApi], None]
    done: str
    times: int = MANY


def sign_up(api: AuthApi, change: str) -> None:
    """Some people registered, and then something happened to their letters."""
    for n in range(FEW):
        api.register(f"linh{n}@example.com")
    api.sql("DELETE FROM outbox")
    api.sql(change)


def sign_up_yesterday(api: AuthApi) -> None:
    sign_up(api, "UPDATE letters SET state = 'sent'")
    api.sql("UPDATE letters SET created_at = created_at - interval '25 hours'")
    api.sql("UPDATE registrations SET created_at = created_at - interval '25 hours'")


def write(api: AuthApi, change: str) -> None:
    """Many letters wait in the outbox, and then something happened to them."""
    Outbox.at(api.database_url).commit(MANY)
    api.sql(change)


def lose(api: AuthApi) -> None:
    write(api, "DELETE FROM outbox")
    past = "created_at = now() - interval '9 days', expires_at = now() - interval '8 days'"
    api.sql(f"UPDATE letters SET state = 'queued', {past}")


def register_last_week(api: AuthApi) -> None:
    api.sql(
        "INSERT INTO registrations (id, email, canonical_email, recipient_tag, password_hash, locale, secret_hash,"
        f" refusal_hash, created_at) SELECT gen_random_uuid(), n, n, n, 'hash', 'en', {HASH}, {HASH},"
        f" now() - interval '8 days' FROM {SERIES}"
    )
    write(api, "UPDATE letters SET registration_id = (SELECT id FROM registrations LIMIT 1)")


DELETED: Final[Mapping[str, str]] = {
    tasks.PURGE_REFUSALS: "INSERT INTO refused_mailboxes (recipient_tag, until)"
    f" SELECT n, now() - interval '1 day' FROM {SERIES}",
    tasks.PURGE_TOKENS: "INSERT INTO one_time_tokens (id, purpose, link_hash, code_hash, created_at, expires_at, voided_at)"
    f" SELECT gen_random_uuid(), 'verify_address', {HASH}, {HASH}, now() - interval '9 days', now() - interval '8 days', now()"
    f" FROM {SERIES}",
    tasks.PURGE_LIMITS: "INSERT INTO limits (key, admitted, refused)"
    f" SELECT {HASH}, ARRAY[now() - interval '90 days'], false FROM {SERIES}",
    tasks.PURGE_AUDIT: "INSERT INTO audit_events (at, actor, action, target, result)"
    f" SELECT now() - interval '500 days', 'stranger', 'sign_in', n, 'refused' FROM {SERIES}",
    tasks.PURGE_LETTERS: "INSERT INTO letters (id, letter, letter_class, recipient_tag, receipt_hash, state, created_at, expires_at)"
    f" SELECT gen_random_uuid(), 'verify_address', 'urgent', n, {HASH}, 'sent', now() - interval '40 days', now() FROM {SERIES}",
}
"""Rows whose time is over, by the purge that deletes them: the worker counts each once."""

COUNTED: Final = "rows"
"""As the worker counts them."""

WORK: Final[Mapping[str, Work]] = {
    **{name: Work(seed=(seed,), done=COUNTED) for name, seed in DELETED.items()},
    tasks.PURGE_SESSIONS: Work(seed=(ACCOUNTS, SESSIONS), done=COUNTED),
    tasks.PURGE_REFRESH_TOKENS: Work(
        seed=(
            ACCOUNTS,
            SESSIONS,
            (
                "INSERT INTO refresh_tokens (hash, session_id, used_at)"
                " SELECT decode(md5(id::text) || md5(id::text), 'hex'), id, now() - interval '40 days' FROM sessions"
            ),
        ),
        done=COUNTED,
    ),
    tasks.PURGE_CODES: Work(
        seed=(
            ACCOUNTS,
            SESSIONS,
            (
                "INSERT INTO authorization_codes (hash, session_id, client_id, redirect_uri, challenge, expires_at)"
                " SELECT decode(md5(id::text) || md5(id::text), 'hex'), id, 'app', 'https://app.example/', repeat('x', 43),"
                " now() - interval '2 days' FROM sessions"
            ),
        ),
        done=COUNTED,
    ),
    tasks.PURGE_EMAIL_CHANGES: Work(
        seed=(
            ACCOUNTS,
            (
                "INSERT INTO email_changes (id, account_id, email, canonical_email, recipient_tag, old_email, old_canonical_email,"
                " created_at) SELECT gen_random_uuid(), id, 'b', 'b', 'b', 'a', 'a', now() - interval '40 days' FROM accounts"
            ),
        ),
        done=COUNTED,
    ),
    tasks.PURGE_REGISTRATIONS: Work(
        seed=register_last_week, done="SELECT count(*) FROM outbox WHERE kind = 'cancellation'"
    ),
    tasks.END_HOLDS: Work(
        seed=lambda api: write(
            api, "UPDATE outbox SET held_until = now() - interval '1 s', held_for = 'many_proved'"
        ),
        done="SELECT sum(letters)::int FROM hold_totals",
    ),
    tasks.END_LOST_LETTERS: Work(
        seed=lose,
        done="SELECT (SELECT count(*) FROM letter_events WHERE state = 'expired') * 1000"
        " + (SELECT count(*) FROM outbox WHERE kind = 'cancellation')",
        times=MANY * 1000 + MANY,
    ),
    tasks.RENEW_LETTERS: Work(
        seed=lambda api: sign_up(api, "UPDATE letters SET state = 'expired', renewal_due = true"),
        done="SELECT count(*) FROM letters WHERE renewal > 0",
        times=FEW,
    ),
    tasks.REMIND_REGISTRATIONS: Work(
        seed=sign_up_yesterday,
        done="SELECT count(*) FROM outbox JOIN letters ON letters.id = letter_id WHERE letter = 'registration_reminder'",
        times=FEW,
    ),
}


def worker_of(api: AuthApi, status: WorkerStatus) -> Celery:
    """What takes scheduled work, with the tasks of the real one."""
    transactions = Transactions(build_sessions(build_engine(api.database_url, application="test")))
    keyed_hash = KeyedHash(HASH_KEY)
    app = build_app("auth-worker", broker_url="amqp://nobody@localhost//")
    register_maintenance_tasks(
        app,
        transactions,
        renew_due=RenewLetters(transactions=transactions, letters=api.sign_up_letters).renew_due,
        remind_due=RemindRegistrations(
            transactions=transactions,
            letters=api.sign_up_letters,
            requests=MailboxLimit(limit=parse_limit("off"), keyed_hash=keyed_hash, observer=Unobserved()),
            watch=CampaignWatch(suspicion=None, keyed_hash=keyed_hash),
        ).remind_due,
        end_holds=EndExpiredHolds(suspicion=None),
        status=status,
    )
    return app


def test_every_piece_of_scheduled_work_is_tried_here() -> None:
    assert set(WORK) == tasks.SCHEDULED_TASKS


@pytest.mark.parametrize("name", sorted(WORK))
def test_two_at_once_do_nothing_twice(auth_database: Database, name: str) -> None:
    api, work = AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url), WORK[name]
    if callable(work.seed):
        work.seed(api)
    else:
        for statement in work.seed:
            api.sql(statement)
    counted: list[int] = []

    class Status(WorkerStatus):
        def maintained(self, task: str, rows: int) -> None:
            super().maintained(task, rows)
            counted.append(rows)

    task: Any = worker_of(api, Status([])).tasks[name]
    together = Barrier(2)

    def tick(_: int) -> None:
        together.wait(timeout=10)
        task()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(tick, range(2)))
    # Who came second may have passed over what the first had in hand; the next tick finds nothing left.
    task()
    assert len(counted) == 3
    found = sum(counted) if work.done == COUNTED else api.sql(work.done)[0][0]
    assert found == work.times

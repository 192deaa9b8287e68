"""How a service started by a test shows that it does its work, not only that it runs."""

from collections import Counter
from contextlib import closing
from typing import assert_never

import psycopg2

from mail_contract.topology import AUTH_REPORTS, MAILER_URGENT
from postern_local.readiness import http_answers
from support.infra import Server
from support.service_programs import Service, ServiceEnvironment

LISTENING_RELAYS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN %'
"""


def is_ready(service: Service, running: list[Server], at: ServiceEnvironment) -> bool:
    """Whether all the running processes of `service` do their work now."""
    match service:
        case "api" | "inbox":
            return http_answers(f"{at.http(service)}/healthz")
        case "flower":
            return http_answers(f"{at.http(service)}/healthcheck")
        case "relay":
            return _listening_relays(at) >= len(running)
        case "auth-worker":
            return at.broker.consumers(AUTH_REPORTS) >= len(running)
        case "mailer":
            wanted = Counter(map(_first_queue, running))
            return all(at.broker.consumers(queue) >= count for queue, count in wanted.items())
        case "beat":
            return True
        case _:
            assert_never(service)


def _listening_relays(at: ServiceEnvironment) -> int:
    with closing(psycopg2.connect(at.auth_database.admin_url)) as connection, connection.cursor() as cursor:
        cursor.execute(LISTENING_RELAYS)
        (count,) = cursor.fetchone() or (0,)
        return int(count)


def _first_queue(mailer: Server) -> str:
    return mailer.program.environment.get("MAILER_QUEUES", MAILER_URGENT).partition(",")[0]

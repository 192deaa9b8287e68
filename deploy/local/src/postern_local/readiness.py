"""Waiting until a part of the stack really answers."""

import time
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import psycopg2

from postern_local.errors import NotReady

EVERY_SECONDS = 0.1


def wait_for(name: str, check: Callable[[], bool], *, seconds: float) -> None:
    """Return once `check` says yes.

    Args:
        name: of the part, for the error.
        check: asks once, quickly; an answer of no is False, not an exception.
        seconds: patience.

    Raises:
        NotReady: it did not say yes in time.
    """
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise NotReady(f"{name} (waited {seconds:.0f} s)")
        time.sleep(EVERY_SECONDS)


def http_answers(url: str) -> bool:
    """Whether a GET of `url` is answered with 200; a login in the address is used."""
    parts = urlsplit(url)
    login = (parts.username, parts.password or "") if parts.username else None
    host = parts.netloc.rpartition("@")[2]
    try:
        answer = httpx.get(f"{parts.scheme}://{host}{parts.path}", auth=login, timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


def broker_answers(management_url: str) -> bool:
    """Whether the node takes logins and has all its listeners up."""
    return http_answers(f"{management_url}/api/health/checks/local-alarms") and http_answers(
        f"{management_url}/api/overview"
    )


def database_shows(url: str, question: str) -> bool:
    """Whether PostgreSQL answers the SQL `question` with true."""
    try:
        with closing(psycopg2.connect(url, connect_timeout=2)) as connection, connection.cursor() as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
    except psycopg2.OperationalError:
        return False
    return row is not None and bool(row[0])


def database_answers(url: str) -> bool:
    """Whether PostgreSQL takes this login."""
    return database_shows(url, "SELECT true")

"""Waiting until a part of the stack really answers."""

import base64
import time
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import psycopg2

from postern_local.errors import NotReady

EVERY_SECONDS = 0.1
ANSWER_SECONDS = 2


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
    return http_get(url) is not None


def http_get(url: str) -> bytes | None:
    """What a GET of `url` (http only) is answered with; None where the answer is not 200.

    Made for asking often: a connection without anything around it costs a hundredth of what an HTTP library does.
    """
    parts = urlsplit(url)
    headers = {}
    if parts.username is not None:
        login = f"{parts.username}:{parts.password or ''}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", parts.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == HTTPStatus.OK else None


def broker_answers(management_url: str) -> bool:
    """Whether the node takes logins and has all its listeners up."""
    return http_answers(f"{management_url}/api/health/checks/local-alarms") and http_answers(
        f"{management_url}/api/overview"
    )


def database_answers(url: str) -> bool:
    """Whether PostgreSQL takes this login."""
    try:
        with closing(psycopg2.connect(url, connect_timeout=ANSWER_SECONDS)):
            return True
    except psycopg2.OperationalError:
        return False

"""`mailer-service alive`: asks the worker of this machine or container whether it still works.

Containers and supervisors call it every few seconds, for every replica. So it reads its one variable itself.
"""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import NoReturn

_VARIABLE = "MAILER_LISTEN"
_ANSWER_SECONDS = 5.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}  # noqa: S104 - asked, not listened on
_STUCK, _NOBODY_TO_ASK = 1, 2


def main() -> NoReturn:
    """Ends with 0 if the worker is alive, 1 if not, 2 if it is not said where it listens."""
    listen = os.environ.get(_VARIABLE, "")
    if not listen.rpartition(":")[2].isdecimal():
        _end(f"{_VARIABLE}: must be host:port of the worker", _NOBODY_TO_ASK)
    problem = ask(listen)
    if problem is not None:
        _end(problem, _STUCK)
    sys.exit(0)


def ask(listen: str) -> str | None:
    """Returns what is wrong with the worker at host:port; None if it is alive. Waits for five seconds at most."""
    host, _, port = listen.rpartition(":")
    connection = HTTPConnection(_EVERYWHERE.get(host, host), int(port), timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = answer.read(1000).decode(errors="replace")
    except (OSError, HTTPException) as error:
        return f"no answer at {listen}: {error!r}"
    finally:
        connection.close()
    return None if answer.status == HTTPStatus.OK else said


def _end(words: str, code: int) -> NoReturn:
    sys.stderr.write(f"{words}\n")
    sys.exit(code)

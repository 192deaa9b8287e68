"""Strangers at an API with its limits on: thousands of network addresses, several processes, fifty requests at once, lies."""

import http.client
import json
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from support.database import Database
from support.faults.gathering import rows

AT_ONCE = 50
PATIENCE_SECONDS = 30.0
REGISTER, RESEND, VERIFY = "/v1/registrations", "/v1/registrations/resend", "/v1/verifications"

DEFAULT_LIMITS = {
    "AUTH_LIMIT_MAILBOX": "1/minute 5/hour 10/day",
    "AUTH_LIMIT_SOURCE": "30/hour",
    "AUTH_LIMIT_SOURCE_CODES": "60/hour",
    "AUTH_LIMIT_CODES": "20/day",
    "AUTH_LIMIT_SIGN_IN": "10/minute 30/hour 100/day",
    "AUTH_LIMIT_SOURCE_SIGN_IN": "20/minute 100/hour",
    "AUTH_LIMIT_SOURCE_REFRESH": "60/minute 600/hour",
    "AUTH_LIMIT_ALL_SIGN_IN": "600/minute",
    "AUTH_LIMIT_ALL": "120/minute",
    "AUTH_LIMIT_PROVED": "60/minute",
    "AUTH_CAMPAIGN": "50/hour 10%",
}
"""What an API has that is told nothing; the tests' other ones are told to have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST from a network address; of `source` 0 to 4,000,000 each is another one."""

    path: str
    body: Mapping[str, Any]
    source: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody sees of an answer."""

    status: int
    seconds: float
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    text: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    @property
    def shape(self) -> tuple[Any, ...]:
        """All of it but the random characters: status, names and lengths of the headers, length and fields of the body."""
        names = tuple(sorted((name, len(value)) for name, value in self.headers))
        return self.status, names, len(self.text), tuple(sorted(self.json))


@dataclass(slots=True, kw_only=True)
class Strangers:
    """Everybody who is not the mailbox's reader.

    Attributes:
        apis: host:port of each process; requests go to them in turn.
        answers: all so far.
    """

    apis: Sequence[str]
    answers: list[Answer] = field(default_factory=list)
    _sources: int = 0

    def new_source(self) -> int:
        """A network address nobody has used yet."""
        self._sources += 1
        return self._sources

    def register(self, email: str, password: str, *, source: int | None = None, **more: Any) -> Request:
        """A registration, from an address of its own unless one is named."""
        body = {"email": email, "password": password, **more}
        return Request(path=REGISTER, body=body, source=source or self.new_source())

    def request(self, path: str, **body: Any) -> Request:
        """Any other request, from an address of its own."""
        return Request(path=path, body=body, source=self.new_source())

    def ask(self, request: Request) -> Answer:
        """One request alone."""
        return self.all_ask([request])[0]

    def all_ask(self, requests: Sequence[Request]) -> list[Answer]:
        """All of them, fifty at once; the answers in the same order."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(self._post, range(len(requests)), requests))
        self.answers += answers
        return answers

    def _post(self, turn: int, request: Request) -> Answer:
        host, _, port = self.apis[turn % len(self.apis)].rpartition(":")
        connection = http.client.HTTPConnection(
            host, int(port), timeout=PATIENCE_SECONDS, source_address=(_loopback(request.source), 0)
        )
        start = time.monotonic()
        try:
            connection.request("POST", request.path, body=json.dumps(request.body), headers=_lies())
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        return Answer(
            status=response.status,
            seconds=time.monotonic() - start,
            headers=tuple(response.getheaders()),
            text=text,
        )


def _loopback(source: int) -> str:
    return f"127.{64 + source // 65536}.{source // 256 % 256}.{source % 256}"


def _lies() -> dict[str, str]:
    """Headers by which somebody claims to be somewhere else each time; no proxy is configured, so they change nothing."""
    somewhere = ".".join(str(random.randrange(1, 255)) for _ in range(4))  # noqa: S311
    return {
        "Content-Type": "application/json",
        "X-Forwarded-For": f"{somewhere}, 10.0.0.1",
        "X-Real-IP": somewhere,
        "Forwarded": f"for={somewhere}",
        "CF-Connecting-IP": somewhere,
    }


def let_pass(database: Database, by: timedelta, *, also_registrations: bool = True) -> None:
    """Let so much time pass for all that was counted, and for all that was registered."""
    rows(
        database,
        "UPDATE limits SET admitted = ARRAY(SELECT at - %s FROM unnest(admitted) WITH ORDINALITY AS u(at, n) ORDER BY n)",
        by,
    )
    if also_registrations:
        rows(database, "UPDATE registrations SET created_at = created_at - %s", by)


a_minute_passes = partial(let_pass, by=timedelta(seconds=61))


def variants(email: str, count: int) -> list[str]:
    """Spellings that many providers deliver to one mailbox: dots and plus-tags."""
    local, _, domain = email.rpartition("@")
    found = [email]
    for number in range(1, count):
        dotted = "".join(
            letter + ("." if (number >> place) & 1 and place < len(local) - 1 else "")
            for place, letter in enumerate(local)
        )
        found.append(f"{dotted}+{number}@{domain}" if number % 2 else f"{local}+t{number}@{domain}")
    return found

"""People for journeys: addresses in several scripts and lengths, and what a person does with the API and a letter."""

import re
import time
from collections import Counter
from dataclasses import dataclass, fields
from functools import cache
from math import ceil
from typing import Any, Self
from uuid import uuid4

import httpx
import idna

from support.eventually import eventually

PASSWORD = "seven lanterns over a quiet harbour"

LOCAL_PARTS = (
    "ann",
    "a",
    "first.last",
    "plus+tag",
    "under_score",
    "o'hara",
    "x" * 40,
    "nguyễn",
    "дарья",
    "γιώργος",
    "李雷",
    "さくら",
    "محمد",
    "ศิริ",
    "münchen",
)
DOMAINS = (
    "example.com",
    "mail.example.org",
    "bücher.example",
    "例え.example",
    "sub.domain.example.net",
    "đà-nẵng.example",
)

REFUSAL = re.compile(r"https?://\S+/refuse(?:\?lang=\w+)?#token=[A-Za-z0-9_-]+")
LINK = re.compile(r"https?://\S+/verify(?:\?lang=\w+)?#token=[A-Za-z0-9_-]+")
CODE = re.compile(r"\b(\d{4})[ \u00a0-]?(\d{4})\b")
LONGEST_WAIT = 60
"""Seconds for which the inbox lets somebody wait."""


def addresses(count: int, *, run: str | None = None) -> list[str]:
    """Returns that many different addresses, new ones at every call unless `run` names one."""
    run = run or str(uuid4().int % 10**9)  # digits: letters would mix alphabets, which is refused
    return [f"{LOCAL_PARTS[n % len(LOCAL_PARTS)]}.{run}{n}@{DOMAINS[n % len(DOMAINS)]}" for n in range(count)]


def on_the_wire(address: str) -> str:
    """Returns the address with its domain as SMTP carries it."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{_a_labels(domain)}"


@cache
def _a_labels(domain: str) -> str:
    return idna.encode(domain).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter as its reader sees it."""

    id: str
    subject: str
    text: str
    html: str
    source: str
    letter: str
    link: str
    code: str

    @property
    def refusal(self) -> str:
        """The link of "this wasn't me"."""
        (link,) = set(REFUSAL.findall(self.text))
        return str(link)

    @property
    def token(self) -> str:
        """The secret in the link's fragment."""
        return self.link.partition("#token=")[2]


class Mailbox:
    """The development inbox as a person's mail program."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def summaries(self, address: str | None = None) -> list[dict[str, Any]]:
        """Everything received, newest first, or what one address received."""
        answer = self._http.get("/api/messages", params={"to": address} if address else {})
        return list(answer.raise_for_status().json()["messages"])

    def received(self, people: list[str]) -> Counter[str]:
        """How many letters each of these people has; an SMTP server sees domains as A-labels."""
        spelling = {on_the_wire(address): address for address in people}
        return Counter(
            spelling[to]
            for summary in self.summaries()
            for to in map(on_the_wire, summary["to"])
            if to in spelling
        )

    def letters(self, address: str) -> list[Letter]:
        """The letters of one address, newest first."""
        return [self._read(summary["id"]) for summary in self.summaries(address)]

    def wait_for(self, address: str, *, count: int = 1, within: float = 20.0) -> list[Letter]:
        """Returns the address's letters once there are at least that many."""
        deadline = time.monotonic() + within
        found: list[dict[str, Any]] = []
        while len(found) < count:
            left = deadline - time.monotonic()
            assert left > 0, f"{len(found)} of {count} letters came within {within} s"
            found = self._newer_than(found[0]["id"] if found else "", address, wait=left) + found
        return [self._read(summary["id"]) for summary in found]

    def _newer_than(self, message_id: str, address: str, *, wait: float) -> list[dict[str, Any]]:
        query = {"to": address, "after": message_id, "wait": str(min(ceil(wait), LONGEST_WAIT))}
        answer = self._http.get("/api/messages", params=query, timeout=wait + 10)
        return list(answer.raise_for_status().json()["messages"])

    def _read(self, message_id: str) -> Letter:
        body = self._http.get(f"/api/messages/{message_id}").raise_for_status().json()
        return Letter(**{field.name: body[field.name] or "" for field in fields(Letter)})


class Gate:
    """The API as an application's front end calls it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        self.secrets: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def register(self, address: str, *, password: str = PASSWORD, locale: str | None = None) -> str:
        """Registers and returns the receipt; the registration's secret is kept for what follows."""
        body = {"email": address, "password": password} | ({"locale": locale} if locale else {})
        answer = self._accepted("/v1/registrations", body)
        self.secrets[address] = str(answer["registration_secret"])
        return str(answer["receipt"])

    def resend(self, address: str) -> str:
        """Asks for the letter again and returns the receipt; by the registration's secret, if there was one."""
        secret = self.secrets.get(address)
        body = {"email": address} if secret is None else {"registration_secret": secret}
        return str(self._accepted("/v1/registrations/resend", body)["receipt"])

    def verify(self, *, of: str, **proof: str) -> httpx.Response:
        """Posts `token=…` or `code=…` of a letter to somebody, with the secret of their registration."""
        if "code" in proof:
            proof["email"] = of
        if "password" not in proof and of in self.secrets:
            proof["registration_secret"] = self.secrets[of]
        return self.http.post("/v1/verifications", json=proof)

    def receipt(self, receipt: str) -> dict[str, Any]:
        """What became of the letter behind the receipt."""
        return dict(self.http.get(f"/v1/receipts/{receipt}").raise_for_status().json())

    def wait_until(self, receipt: str, state: str, *, within: float = 20.0) -> dict[str, Any]:
        """Returns the receipt once it says so."""

        def reached() -> dict[str, Any]:
            found = self.receipt(receipt)
            assert found["state"] == state, found
            return found

        return eventually(reached, within=within, every=0.1)

    def _accepted(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        answer = self.http.post(path, json=body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

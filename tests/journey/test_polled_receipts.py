"""A stranger who registers somebody's address and follows the receipt sees the same of a taken address as of any other.

Whatever the mailbox's server does: both get a real letter, so both receipts tell its real fate. The stranger asks every 50 ms.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import psycopg2
import pytest

from dev_inbox.script import Phase, Rule
from dev_inbox.server import Inbox
from mail_contract.topology import WaitTier, build_topology
from support.eventually import eventually
from support.people import PASSWORD
from support.services import Services
from support.telling_apart import assert_alike

EVERY_SECONDS = 0.05
AT_ONCE = 6
PATIENCE_SECONDS = 30.0
TAKEN, FREE = "taken", "free"
SAMPLES = 500
"""Of each class."""
SHORT = build_topology(dict(zip(WaitTier, map(timedelta, [0] * 5, (0.2, 0.25, 0.3, 0.35, 0.4)), strict=True)))
"""Waiting rooms of parts of a second: what is looked for is a difference, not how long greylisting takes."""

Rules = Callable[[Sequence[str]], Sequence[Rule]]

SERVERS: dict[str, tuple[Rules, str]] = {
    "instant": (lambda _: [], "sent"),
    "0.3 s": (lambda _: [Rule(phase=Phase.DOT, delay_seconds=0.3)], "sent"),
    "greylisting": (
        lambda people: [
            Rule(phase=Phase.RCPT, recipient=person, reply="450 4.2.0 Greylisted, try later", times=1)
            for person in people
        ],
        "sent",
    ),
    "550": (lambda _: [Rule(phase=Phase.RCPT, reply="550 5.1.1 No such user")], "failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a stranger saw of one receipt: the states of its timeline at the end, and after how many seconds that was."""

    states: tuple[str, ...]
    seconds: float


@pytest.fixture
def peer() -> Iterator[Inbox]:
    with Inbox(messages_kept=100_000, bytes_kept=2**30) as inbox:
        yield inbox


@pytest.fixture
def api(services: Services, peer: Inbox) -> str:
    services.at.broker.take_policies_of(SHORT)
    services.env["mailer"] = {"MAILER_SMTP_URL": f"smtp://{peer.smtp}"}
    for service in ("api", "relay", "auth-worker", "mailer"):
        services.start(service)
    services.wait_until_ready(within=60)
    return services.api


def open_accounts(services: Services, people: Sequence[str]) -> None:
    """As if each had registered and confirmed long ago."""
    with psycopg2.connect(services.at.auth_database.admin_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
            " SELECT gen_random_uuid(), address, address, repeat('x', 97), 'en', now() FROM unnest(%s) AS address",
            (list(people),),
        )
    connection.close()


def follow(http: httpx.Client, path: str, body: dict[str, str], ends: str) -> tuple[Seen, dict[str, Any]]:
    """Ask for a letter, then for its receipt every 50 ms, until that says how it ended."""
    start = time.monotonic()
    answer = http.post(path, json=body)
    assert answer.status_code == 202, answer.text
    given = dict(answer.json())

    def ended() -> dict[str, Any]:
        told = http.get(f"/v1/receipts/{given['receipt']}").raise_for_status().json()
        return dict(told) if told["state"] == ends or told["final"] else {}

    told = eventually(ended, within=PATIENCE_SECONDS, every=EVERY_SECONDS)
    states = tuple(step["state"] for step in told["timeline"])
    return Seen(states=states, seconds=time.monotonic() - start), given


def common(seen: Sequence[Seen]) -> set[tuple[str, ...]]:
    """The courses that more than one in twenty took; a hiccup of the machine may defer a letter once more."""
    courses = Counter(one.states for one in seen)
    return {states for states, times in courses.items() if times > len(seen) / 20}


@pytest.mark.slow
@pytest.mark.quiet
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("server", SERVERS)
def test_a_taken_address_is_followed_like_any_other(
    services: Services, api: str, peer: Inbox, server: str
) -> None:
    rules, ends = SERVERS[server]
    registrations: dict[str, list[Seen]] = {TAKEN: [], FREE: []}
    resends: dict[str, list[Seen]] = {TAKEN: [], FREE: []}

    def ask(person: tuple[str, str]) -> None:
        kind, email = person
        with httpx.Client(base_url=api, timeout=20) as http:
            seen, given = follow(http, "/v1/registrations", {"email": email, "password": PASSWORD}, ends)
            again, _ = follow(
                http,
                "/v1/registrations/resend",
                {"registration_secret": given["registration_secret"]},
                "suppressed" if ends == "failed" else ends,
            )
            registrations[kind].append(seen)
            resends[kind].append(again)

    def measure(look: int) -> dict[str, list[float]]:
        people = [
            (kind, f"{kind:_>5}.{look}{n:03d}@example.com") for n in range(SAMPLES) for kind in (TAKEN, FREE)
        ]
        open_accounts(services, [email for kind, email in people if kind == TAKEN])
        peer.play(*rules([email for _, email in people]))
        random.shuffle(people)
        before = {kind: len(registrations[kind]) for kind in registrations}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(ask, people))
        return {
            f"{what}, {kind}": [one.seconds for one in seen[kind][before[kind] :]]
            for what, seen in (("registration", registrations), ("resend", resends))
            for kind in (TAKEN, FREE)
        }

    pairs = [(f"{what}, {TAKEN}", f"{what}, {FREE}") for what in ("registration", "resend")]
    assert_alike(measure, pairs=pairs)
    for seen in (registrations, resends):
        print(common(seen[TAKEN]))
        assert common(seen[TAKEN]) == common(seen[FREE]) != set()

"""What a registration costs beside its argon2 hash, and how long its letter takes. Run by `make bench` on a running stack.

Prints medians. The hash and the call are measured in turn, so that a noisy machine slows both alike; the call is made by
the barest client there is, so that its own work is not counted as the API's.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from contextlib import closing
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from argon2 import PasswordHasher, Type

from support.eventually import eventually
from support.people import PASSWORD, Mailbox, addresses

ROUNDS = 100
PAUSE_SECONDS = 0.02
HASHER = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)


def milliseconds(since: float) -> float:
    """Time since a reading of the clock."""
    return (time.perf_counter() - since) * 1000


def main() -> None:
    """Measures and prints; the stack's addresses come from stack.json, given as the only argument."""
    stack = json.loads(
        Path(sys.argv[1] if len(sys.argv) > 1 else ".postern/stack.json").read_text(encoding="utf-8")
    )
    hashes, calls, arrivals = [], [], []
    api = HTTPConnection(urlsplit(stack["api"]).netloc)
    with closing(api), Mailbox(stack["inbox"]) as mailbox:
        register(api, addresses(1)[0])
        for address in addresses(ROUNDS):
            start = time.perf_counter()
            HASHER.hash(PASSWORD)
            hashes.append(milliseconds(start))
            start = time.perf_counter()
            register(api, address)
            calls.append(milliseconds(start))
            answered = time.perf_counter()
            eventually(partial(mailbox.summaries, address), every=0.003)
            arrivals.append(milliseconds(answered))
            time.sleep(PAUSE_SECONDS)
    report("argon2id hash", hashes)
    report("POST /v1/registrations", calls)
    report("registration less its hash", [call - hashed for call, hashed in zip(calls, hashes, strict=True)])
    report("202 to inbox", arrivals)


def register(api: HTTPConnection, address: str) -> None:
    """One registration on a kept connection."""
    body = json.dumps({"email": address, "password": PASSWORD})
    api.request("POST", "/v1/registrations", body, {"Content-Type": "application/json"})
    answer = api.getresponse()
    answer.read()
    if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.PRECONDITION_REQUIRED}:
        raise SystemExit(
            "this stack limits strangers: AUTH_LIMIT_SOURCE=off AUTH_LIMIT_ALL=off AUTH_CAMPAIGN=off make run"
        )
    if answer.status != HTTPStatus.ACCEPTED:
        raise SystemExit(f"the API answered {answer.status}")


def report(what: str, figures: list[float]) -> None:
    """One line: median and spread."""
    ordered = sorted(figures)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(f"{what:28} median {statistics.median(figures):7.1f} ms   p95 {p95:7.1f} ms   n={len(figures)}")


if __name__ == "__main__":
    main()

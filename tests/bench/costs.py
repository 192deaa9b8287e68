"""What CPU a registration and a sign-in cost, process by process, beside a bare argon2 hash. Run by `make bench` on a running stack.

Several clients ask at once, each on a kept connection, as fast as they are answered. A process's figure is the CPU of it and its
children, from before the first request until the last letter has come and been reported, less what it uses in as many seconds
in which nothing happens. The share says how many of the bare hashes that the same CPU would make it made beside everything
else: once of the whole stack, once without those who write and carry the letter.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from bench.registration import HASHER, milliseconds
from support.eventually import eventually
from support.people import PASSWORD, Gate, Mailbox, addresses

CLIENTS = 4
REQUESTS = 400
IDLE_SECONDS = 5.0
HASHES = 30
BEHIND_THE_LETTER = ("mailer", "mailer-urgent", "inbox", "auth-worker")
Times = Mapping[str, float]


def cpu(stack: Mapping[str, Any]) -> Times:
    """CPU seconds of each kind of process so far, children included."""
    return {kind: sum(map(_with_children, pids)) for kind, pids in stack["processes"].items()}


def _with_children(pid: int) -> float:
    parent = psutil.Process(pid)
    total = 0.0
    for process in (parent, *parent.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def hash_cpu() -> float:
    """CPU milliseconds of one bare hash, while every processor makes one."""
    processors = os.cpu_count() or 1
    start = time.process_time()
    with ThreadPoolExecutor(processors) as pool:
        made = list(pool.map(HASHER.hash, [PASSWORD] * HASHES * processors))
    return (time.process_time() - start) * 1000 / len(made)


def ask(api: str, path: str, bodies: Sequence[Mapping[str, str]], expected: HTTPStatus) -> list[float]:
    """One client: sends the bodies one after the other; returns how many milliseconds each took."""
    connection = HTTPConnection(urlsplit(api).netloc)
    took = []
    for body in bodies:
        start = time.perf_counter()
        connection.request(
            "POST", path, json.dumps(body), {"Content-Type": "application/json", "User-Agent": "bench"}
        )
        answer = connection.getresponse()
        answer.read()
        took.append(milliseconds(start))
        if answer.status != expected:
            raise SystemExit(f"{path} answered {answer.status}; without limits: see docs/contributing.md")
    connection.close()
    return took


def measure(
    stack: Mapping[str, Any],
    what: str,
    path: str,
    bodies: Sequence[Mapping[str, str]],
    expected: HTTPStatus,
    *,
    done: Callable[[], object],
) -> None:
    """Sends all, waits until nothing follows any more, and prints the table."""
    hashes = [hash_cpu()]
    before, began = cpu(stack), time.monotonic()
    time.sleep(IDLE_SECONDS)
    idle = {kind: (used - before[kind]) / (time.monotonic() - began) for kind, used in cpu(stack).items()}
    before, began = cpu(stack), time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        shares = [bodies[number::CLIENTS] for number in range(CLIENTS)]
        took = sorted(
            ms
            for some in clients.map(partial(ask, stack["api"], path, expected=expected), shares)
            for ms in some
        )
    asked = time.monotonic() - began
    done()
    after, seconds = cpu(stack), time.monotonic() - began
    hashes.append(hash_cpu())
    each = {
        kind: max(0.0, after[kind] - before[kind] - idle[kind] * seconds) * 1000 / len(bodies)
        for kind in after
    }
    bare, whole = min(hashes), sum(each.values())
    gate = whole - sum(each.get(kind, 0.0) for kind in BEHIND_THE_LETTER)
    print(f"{what}: {whole:.1f} ms of CPU each, of it {bare:.1f} for one bare hash")
    print(
        "  "
        + "   ".join(
            f"{kind} {ms:.1f}" for kind, ms in sorted(each.items(), key=lambda item: -item[1]) if ms >= 0.05
        )
    )
    print(
        f"  {bare / whole:.0%} of bare hashes with the whole stack, {bare / gate:.0%} without {', '.join(BEHIND_THE_LETTER)}"
    )
    print(
        f"  {len(bodies) / asked:.0f} a second; answered within {took[len(took) // 2]:.0f} ms (median),"
        f" {took[int(len(took) * 0.99)]:.0f} ms (99 of 100)"
    )


def main() -> None:
    """Measures both; the stack's addresses come from stack.json, given as the only argument."""
    stack = json.loads(
        Path(sys.argv[1] if len(sys.argv) > 1 else ".postern/stack.json").read_text(encoding="utf-8")
    )
    with Mailbox(stack["inbox"]) as mailbox, Gate(stack["api"]) as gate:
        people = addresses(CLIENTS)
        for person in people:
            gate.register(person)
            assert gate.verify(of=person, code=mailbox.wait_for(person)[0].code).is_success
        strangers = addresses(REQUESTS)

        def all_have_come() -> None:
            eventually(lambda: _all_here(mailbox, strangers), within=60, every=0.5)
            time.sleep(1)  # the last reports are on their way

        registrations = [{"email": stranger, "password": PASSWORD} for stranger in strangers]
        measure(
            stack, "registration", "/v1/registrations", registrations, HTTPStatus.ACCEPTED, done=all_have_come
        )
        sign_ins = [{"email": people[n % CLIENTS], "password": PASSWORD} for n in range(REQUESTS)]
        ask(stack["api"], "/v1/sessions", sign_ins[:CLIENTS], HTTPStatus.CREATED)
        measure(stack, "sign-in", "/v1/sessions", sign_ins, HTTPStatus.CREATED, done=lambda: None)


def _all_here(mailbox: Mailbox, strangers: list[str]) -> None:
    received = mailbox.received(strangers)
    assert len(received) == len(strangers), f"{len(received)} of {len(strangers)} letters came"


if __name__ == "__main__":
    main()

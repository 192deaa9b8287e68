"""A day at the gate in a few minutes, so that every panel has something to show. Run by `make demo` on a running stack.

People register, confirm by link or code, and sign in; some mistype, some give an address that a mail server refuses or puts off.
On a stack that limits strangers it goes on with sign-ins once registrations are refused: that is something to see, too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import Any

import altcha
import httpx

from support.people import PASSWORD, Mailbox, addresses

REFUSED, PUT_OFF = "refused.example", "full.example"
SCRIPT = [
    {"match": {"phase": "rcpt", "recipient": f"*@{REFUSED}"}, "reply": "550 5.1.1 No such user"},
    {"match": {"phase": "rcpt", "recipient": f"*@{PUT_OFF}"}, "reply": "452 4.2.2 Mailbox full"},
]


class Demo:
    """One run against the stack that `stack.json` describes."""

    def __init__(self, stack: dict[str, Any]) -> None:
        self.done: Counter[str] = Counter()
        self._api = httpx.Client(base_url=stack["api"], timeout=30)
        self._inbox = httpx.Client(base_url=stack["inbox"], timeout=10)
        self._mailbox = Mailbox(stack["inbox"])

    def run(self, *, seconds: float, pause: float) -> None:
        """Plays until the time is over; the inbox is friendly again afterwards."""
        self._inbox.put("/api/script", json=SCRIPT).raise_for_status()
        try:
            # What stands behind a plus is folded away: these would all be one mailbox, which gets one email a minute.
            people = [address for address in addresses(10_000) if "+" not in address]
            until = time.monotonic() + seconds
            while people and time.monotonic() < until:
                number, address = len(people), people.pop()
                if number % 5 == 0:
                    address = f"{address.partition('@')[0]}@{REFUSED if number % 2 else PUT_OFF}"
                self._live(address, by_code=number % 2 == 0, number=number)
                time.sleep(pause)
        finally:
            self._inbox.delete("/api/script")

    def _live(self, address: str, *, by_code: bool, number: int) -> None:
        secret = self._register(address)
        if secret is None or address.endswith((REFUSED, PUT_OFF)):
            self._sign_in(address, "not the password of anybody")
            return
        try:
            (letter, *_) = self._mailbox.wait_for(address, within=30)
        except AssertionError:
            self.done["emails did not come within 30 s"] += 1
            return
        if number % 3 == 0:
            wrong = {"email": address, "code": "00000000", "registration_secret": secret}
            self._post("/v1/verifications", wrong, "wrong codes")
        proof = {"email": address, "code": letter.code} if by_code else {"token": letter.token}
        self._post("/v1/verifications", {**proof, "registration_secret": secret}, "confirmed")
        self._sign_in(address, PASSWORD)

    def _register(self, address: str) -> str | None:
        body = {"email": address, "password": PASSWORD}
        answer = self._api.post("/v1/registrations", json=body)
        if answer.status_code == HTTPStatus.PRECONDITION_REQUIRED:
            challenge = altcha.Challenge.from_dict(answer.json()["challenge"])
            solution = altcha.solve_challenge(challenge)
            assert solution is not None
            body["proof"] = altcha.Payload(challenge, solution).to_base64()
            answer = self._api.post("/v1/registrations", json=body)
        if answer.status_code != HTTPStatus.ACCEPTED:
            self.done[f"registrations answered {answer.status_code}"] += 1
            return None
        self.done["registered"] += 1
        return str(answer.json()["registration_secret"])

    def _sign_in(self, address: str, password: str) -> None:
        self._post("/v1/sessions", {"email": address, "password": password}, "signed in")

    def _post(self, path: str, body: dict[str, str], what: str) -> None:
        answer = self._api.post(path, json=body)
        self.done[what if answer.is_success else f"{path} answered {answer.status_code}"] += 1


def main() -> None:
    """Plays, and prints what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack", type=Path)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two people")
    given = parser.parse_args()
    demo = Demo(json.loads(given.stack.read_text(encoding="utf-8")))
    try:
        demo.run(seconds=60 * given.minutes, pause=given.pause)
    except KeyboardInterrupt:
        sys.stderr.write("ended early\n")
    for what, times in sorted(demo.done.items()):
        sys.stdout.write(f"{times:6} {what}\n")


if __name__ == "__main__":
    main()

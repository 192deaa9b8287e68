"""Sign-ups that go on while the stack is disturbed, and the count of their letters afterwards."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from compose.letter import PASSWORD, PATIENCE
from compose.stack import ComposeStack
from support.eventually import eventually

EVERY_SECONDS: Final = 0.25


@dataclass(slots=True, kw_only=True)
class Load:
    """One person after the other signs up.

    Attributes:
        stack: where.
        name: first part of their addresses.
        accepted: receipts by address, of those who got one.
        refused: how many answers were none; whoever got one was told so and is promised nothing.
    """

    stack: ComposeStack
    name: str
    accepted: dict[str, str] = field(default_factory=dict)
    refused: int = 0

    def sign_up(self, stop: threading.Event) -> None:
        """Goes on until told to stop."""
        with httpx.Client(base_url=self.stack.api, timeout=10) as client:
            number = 0
            while not stop.wait(EVERY_SECONDS):
                number += 1
                email = f"{self.name}-{number}@example.org"
                try:
                    answer = client.post("/v1/registrations", json={"email": email, "password": PASSWORD})
                except httpx.TransportError:
                    self.refused += 1
                    continue
                if answer.status_code == 202:
                    self.accepted[email] = answer.json()["receipt"]
                else:
                    self.refused += 1

    def assert_every_letter_came_once(self) -> None:
        """Whoever was answered 202 has one letter."""
        assert self.accepted, "nobody signed up"

        def complete() -> None:
            missing = self.accepted.keys() - self.letters().keys()
            assert not missing, f"{len(missing)} of {len(self.accepted)} letters are missing"

        eventually(complete, within=3 * PATIENCE, every=1.0)
        copies = {email: count for email, count in self.letters().items() if count > 1}
        assert not copies, f"more than one letter: {copies}"

    def letters(self) -> Counter[str]:
        """Letters by recipient, of this load's people."""
        answer = httpx.get(f"{self.stack.inbox}/api/messages", params={"q": self.name}, timeout=30)
        messages = answer.raise_for_status().json()["messages"]
        return Counter(to for message in messages for to in message["to"] if to in self.accepted)


@contextmanager
def load(stack: ComposeStack, name: str) -> Iterator[Load]:
    """Signs people up for as long as the block runs, then counts; at least a few of them before it begins."""
    people = Load(stack=stack, name=name)
    stop = threading.Event()
    thread = threading.Thread(target=people.sign_up, args=(stop,))
    thread.start()
    try:
        eventually(lambda: bool(people.accepted), within=PATIENCE)
        yield people
    finally:
        stop.set()
        thread.join()
    people.assert_every_letter_came_once()
    print(f"  {len(people.accepted)} letters, each once; {people.refused} sign-ups refused", flush=True)

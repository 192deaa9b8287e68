"""One person's way through the stack, as they and their mail reader would go: the API, the letter, the link."""

from dataclasses import dataclass

import httpx

from support.eventually import eventually

PASSWORD = "seven lanterns over a quiet harbour"
PATIENCE = 60
"""Seconds for a letter to arrive and its report to come back, on a machine that is still busy starting things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a mailbox in the development inbox.

    Attributes:
        email: their address.
        api: base URL of the API.
        inbox: base URL of the inbox. The stand-in's JSON API, which is not Mailpit's.
    """

    email: str
    api: str
    inbox: str

    def register(self) -> str:
        """Sign up; returns the receipt. A machine that is still busy says 503, and to come back."""

        def post() -> str:
            body = {"email": self.email, "password": PASSWORD, "locale": "en"}
            answer = httpx.post(f"{self.api}/v1/registrations", json=body)
            assert answer.status_code == 202, answer.text
            return str(answer.json()["receipt"])

        return eventually(post, within=PATIENCE, every=1.0)

    def await_letter(self) -> str:
        """Wait for the only letter to this address; returns the token of the link in its text."""
        query = {"to": self.email, "wait": str(PATIENCE)}
        answer = httpx.get(f"{self.inbox}/api/messages", params=query, timeout=PATIENCE + 10)
        (letter,) = answer.raise_for_status().json()["messages"]
        return str(letter["link"]).partition("#token=")[2]

    def verify(self, token: str, password: str = PASSWORD) -> httpx.Response:
        """Do what the button on the page behind the link does on another device: choose the password now."""
        return httpx.post(f"{self.api}/v1/verifications", json={"token": token, "password": password})

    def await_state(self, receipt: str, state: str) -> None:
        """Wait until the receipt says the state."""

        def read() -> None:
            answer = httpx.get(f"{self.api}/v1/receipts/{receipt}").raise_for_status()
            assert answer.json()["state"] == state, answer.text

        eventually(read, within=PATIENCE, every=0.25)

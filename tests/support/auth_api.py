"""The API in this process, on a real database, with the mailer's keys in hand: what a test sees of it from all sides."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from flask import Flask
from pydantic import SecretStr
from werkzeug.test import TestResponse

from auth_service.bootstrap import build_api
from auth_service.flows.letter_writer import LetterWriter
from auth_service.flows.sign_up_letters import SignUpLetters
from auth_service.settings import ApiSettings
from mail_contract.keys import (
    PublicSealingKeys,
    SealingKeys,
    SigningKey,
    VerifyingKeys,
    generate_sealing_keys,
    generate_signing_keys,
)
from mail_contract.messages import Contents, Envelope
from mail_contract.sealing import Opener
from support.kept_connection import KeptConnection
from support.no_limits import NO_LIMITS_VALUES
from support.tokens import TOKEN_KEYS

PUBLIC_URL = "https://accounts.example.com"
PASSWORD = "three boats at dawn"
HASH_KEY = "a key for hashes, only for tests, long enough"

SEALING_KEYS = generate_sealing_keys()
SIGNING_KEYS = generate_signing_keys()
assert PublicSealingKeys.from_json(SEALING_KEYS[1])
assert SigningKey.from_json(SIGNING_KEYS[0])

WRITER_SETTINGS = {
    "AUTH_PUBLIC_URL": PUBLIC_URL,
    "AUTH_SIGNING_KEY": SIGNING_KEYS[0],
    "AUTH_SEALING_PUBLIC_KEYS": SEALING_KEYS[1],
    "AUTH_HASH_KEY": HASH_KEY,
}
"""For processes that write letters, beside a database."""


def api_settings(database_url: str, **changes: Any) -> ApiSettings:
    """Settings of an API on that database."""
    values: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "public_url": PUBLIC_URL,
        "signing_key": SecretStr(SIGNING_KEYS[0]),
        "sealing_public_keys": SEALING_KEYS[1],
        "hash_key": SecretStr(HASH_KEY),
        "token_keys": SecretStr(TOKEN_KEYS),
        "hash_wait_seconds": 10.0,
        "api_threads": 12,
    }
    return ApiSettings(**(values | NO_LIMITS_VALUES | changes))


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLetter:
    """A letter in the outbox, opened as the mailer would open it."""

    envelope: Envelope
    contents: Contents

    @property
    def link_token(self) -> str:
        return self.contents.context["link"].split("#token=")[1]

    @property
    def refusal_token(self) -> str:
        return self.contents.context["refusal"].split("#token=")[1]

    @property
    def code(self) -> str:
        return self.contents.context["code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What somebody who registered is given."""

    receipt: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthApi:
    """The application and the database behind it."""

    app: Flask
    ops: Flask
    database_url: str
    opener: Opener
    sign_up_letters: SignUpLetters
    tables: KeptConnection

    @classmethod
    def on(cls, database_url: str, *, owner_url: str | None = None, **changes: Any) -> Self:
        """An API on that database; changes are to its settings.

        With the URL of the tables' owner a test may do to them what the service may not.
        """
        settings = api_settings(database_url, **changes)
        api = build_api(settings)
        return cls(
            app=api.public,
            ops=api.ops,
            database_url=database_url,
            tables=KeptConnection(owner_url or database_url),
            sign_up_letters=SignUpLetters(
                writer=LetterWriter(
                    sealer=settings.sealer(),
                    keyed_hash=settings.keyed_hash(),
                    public_url=settings.public_url,
                ),
                sign_in_url=settings.sign_in_page,
                hold_period=settings.hold_period,
            ),
            opener=Opener(
                sealing_keys=SealingKeys.from_json(SEALING_KEYS[0]),
                verifying_keys=VerifyingKeys.from_json(SIGNING_KEYS[1]),
            ),
        )

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> TestResponse:
        return self.app.test_client().post(path, json=body, headers=_named(headers))

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.app.test_client().get(path, headers=_named(headers))

    def get_ops(self, path: str, **headers: str) -> TestResponse:
        """GET from the operators' listener."""
        return self.ops.test_client().get(path, headers=_named(headers))

    def at_once(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[TestResponse]:
        """Post all of them in parallel; the answers in the same order."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self.post(*call), calls))

    def insist(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[TestResponse]:
        """Post all of them in parallel; who is told to come back (503) does, as a client would on a busy machine."""
        answers = self.at_once(calls)
        while busy := [n for n, answer in enumerate(answers) if answer.status_code == 503]:
            for n, answer in zip(busy, self.at_once([calls[n] for n in busy[:8]]), strict=False):
                answers[n] = answer
        return answers

    def register(self, email: str, password: str = PASSWORD, **more: str) -> Registered:
        """Register as a person does; give back what they are given."""
        answer = self.post("/v1/registrations", {"email": email, "password": password, **more})
        return Registered(receipt=self._receipt(answer), secret=answer.get_json()["registration_secret"])

    def resend(self, secret: str) -> str:
        """Ask for the letter of a registration again; give back the receipt."""
        return self._receipt(self.post("/v1/registrations/resend", {"registration_secret": secret}))

    def resend_to(self, email: str) -> str:
        """Ask for the letter again without the registration's secret; give back the receipt."""
        return self._receipt(self.post("/v1/registrations/resend", {"email": email}))

    def verify(self, email: str, password: str = PASSWORD) -> Registered:
        """Register and verify an address."""
        registered = self.register(email, password)
        body = {"token": self.last_letter().link_token, "registration_secret": registered.secret}
        answer = self.post("/v1/verifications", body)
        assert answer.status_code == 200, answer.text
        return registered

    def receipt(self, receipt: str) -> dict[str, Any]:
        """What a receipt tells."""
        answer = self.get(f"/v1/receipts/{receipt}")
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def letters(self) -> list[WrittenLetter]:
        """All letters in the outbox, oldest first."""
        rows = self.sql("SELECT payload FROM outbox WHERE kind = 'letter' ORDER BY created_at, id")
        envelopes = [Envelope.model_validate(payload) for (payload,) in rows]
        return [WrittenLetter(envelope=sealed, contents=self.opener.open(sealed)) for sealed in envelopes]

    def last_letter(self) -> WrittenLetter:
        return self.letters()[-1]

    def letter_id(self, receipt: str) -> str:
        """Which letter a receipt is of."""
        digest = hashlib.sha256(receipt.encode()).digest()
        (row,) = self.sql("SELECT id FROM letters WHERE receipt_hash = %s", digest)
        return str(row[0])

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner of the tables, or as the service's role where only that is known."""
        return self.tables.ask(statement, *values)

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.sql(f"SELECT count(*) FROM {table}")[0][0])

    def _receipt(self, answer: TestResponse) -> str:
        assert answer.status_code == 202, answer.text
        return str(answer.get_json()["receipt"])


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}

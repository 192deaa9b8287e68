"""A person with the command line, and dead letters for them without waiting for any to die."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg2
import psycopg2.extras

from mail_contract.keys import VerifyingKeys
from mail_contract.messages import Envelope
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import MAILER_DEAD
from mailer_service.deadletters.message import Why, dead_letter
from mailer_service.deadletters.session import LetterSession, session_at
from mailer_service.incoming import IncomingMessage
from mailer_service.suppression.recipient_hashes import RecipientHasher
from service_runtime.celery.app import build_app
from service_runtime.database.engine import build_engine
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.publisher import Publisher
from support import nursery
from support.eventually import eventually
from support.mailroom import HASH_KEY, Mailroom

ACTOR = "linh"
COMMAND = Path(sys.executable).parent / "mailer-service"
PROVIDER = "smtp.example:25"
REPLY = "551 5.1.1 No such user"
_INSERT = """
    INSERT INTO letters (id, letter, letter_class, envelope_digest, expires_at,
                         state, fence, attempts, last_reason, last_reply, first_seen_at)
    VALUES %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Runs `mailer-service` as the user `operator` of the broker."""

    room: Mailroom

    def settings(self, *, keys: bool = True) -> dict[str, str]:
        known = {"MAILER_VERIFYING_KEYS": self.room.signing[1]} if keys else {}
        return {
            "PATH": os.environ["PATH"],
            "MAILER_BROKER_URL": self.room.broker.url("operator"),
            "MAILER_DATABASE_URL": self.room.database.url,
            "MAILER_HASH_KEY": HASH_KEY,
            "POSTERN_ACTOR": ACTOR,
            **known,
        }

    def start(self, *arguments: str) -> nursery.Errand:
        """Start a command without waiting for it."""
        return nursery.start([COMMAND, *arguments], environment=self.settings())

    def run(
        self,
        *arguments: str,
        answer: str = "",
        keys: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `answer` is typed into it, `environment` is over its usual variables."""
        return nursery.run(
            [COMMAND, *arguments],
            environment={**self.settings(keys=keys), **(environment or {})},
            answer=answer,
            timeout=120,
        )

    def json(self, *arguments: str, code: int = 0, keys: bool = True) -> dict[str, Any]:
        """Run a command with --json and read its answer."""
        done = self.run(*arguments, "--json", keys=keys)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert done.stdout.isascii()
        return cast("dict[str, Any]", json.loads(done.stdout))

    @contextmanager
    def session(
        self, *, keys: bool = True, queues: Sequence[str] = (MAILER_DEAD,)
    ) -> Iterator[LetterSession]:
        """The same session the commands work in, in this process."""
        engine = build_engine(self.room.database.url, application="test", connections=2, autocommit=True)
        known = VerifyingKeys.from_json(self.room.signing[1]) if keys else None
        try:
            with session_at(
                broker_url=self.room.broker.url("operator"),
                engine=engine,
                keys=known,
                on_wait=lambda: None,
                actor=ACTOR,
                queues=queues,
            ) as session:
                yield session
        finally:
            engine.dispose()


def leave_dead(
    room: Mailroom,
    envelopes: Sequence[Envelope],
    *,
    reason: str = "5.1.1",
    state: str = "dead",
    reply: str = REPLY,
    recipient: str = "an@example.org",
) -> None:
    """Leave ledger and dead letters as a mailer does that gave these letters up after one attempt."""
    first_seen = datetime.now(UTC) - timedelta(minutes=1)
    record(room, envelopes, reason=reason, state=state, reply=reply, first_seen=first_seen)
    before = room.broker.depth("mailer.dead")
    app = build_app("mailer", broker_url=room.broker.url("mailer"))
    publisher = Publisher(partial(ConfirmingChannel, app), confirm_seconds=60)
    try:
        published = publisher.publish(
            [
                dead_letter(
                    IncomingMessage(
                        task=DELIVER_LETTER,
                        id=str(envelope.header.id),
                        args=[envelope.model_dump(mode="json")],
                        kwargs={},
                    ),
                    Why(
                        reason=reason,
                        reply=reply,
                        attempts=1,
                        first_seen=first_seen,
                        provider=PROVIDER,
                        hashes=RecipientHasher(HASH_KEY).hashes_of(recipient),
                    ),
                )
                for envelope in envelopes
            ]
        )
        assert all(outcome.confirmed for outcome in published)
    finally:
        publisher.close()
        app.close()
    eventually(lambda: room.broker.depth("mailer.dead") == before + len(envelopes), within=30)


def record(
    room: Mailroom,
    envelopes: Sequence[Envelope],
    *,
    reason: str | None,
    state: str,
    reply: str | None = None,
    first_seen: datetime | None = None,
) -> None:
    """Write letters into the ledger."""
    rows = [
        (
            str(envelope.header.id),
            envelope.header.letter.value,
            envelope.header.letter_class.value,
            hashlib.sha256(envelope.signature.encode()).digest(),
            envelope.header.expires_at,
            state,
            1,
            1,
            reason,
            reply,
            first_seen or datetime.now(UTC),
        )
        for envelope in envelopes
    ]
    with closing(psycopg2.connect(room.database.admin_url)) as connection, connection.cursor() as cursor:
        psycopg2.extras.execute_values(cursor, _INSERT, rows)
        connection.commit()


def change(room: Mailroom, statement: str, *values: Any) -> None:
    """Change the ledger behind everybody's back."""
    with closing(psycopg2.connect(room.database.admin_url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        connection.commit()

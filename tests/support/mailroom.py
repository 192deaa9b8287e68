"""Everything around a mailer: sealed letters to give it, its queues, its ledger, an inbox for what it sends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from celery import Celery
from psycopg2.extras import RealDictCursor

from dev_inbox.server import Inbox
from mail_contract.keys import PublicSealingKeys, SigningKey, generate_sealing_keys, generate_signing_keys
from mail_contract.letters import LETTERS, LetterName
from mail_contract.messages import (
    Cancellation,
    CancellationReason,
    Contents,
    DeliveryReport,
    Envelope,
    EnvelopeHeader,
)
from mail_contract.sealing import Sealer
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.topology import (
    AUTH_REPORTS,
    CANCELLATION_ROUTE,
    MAILER_DEAD,
    WaitTier,
    build_topology,
    letter_route,
)
from service_runtime.celery.app import build_app
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.message import OutgoingMessage, call_of
from service_runtime.publishing.publisher import Publisher
from support.broker import VirtualHost
from support.database import Database
from support.eventually import eventually
from support.kept_connection import KeptConnection
from support.nursery import Child, fork
from support.outgoing import CONTEXTS
from support.short_waits import shorten_delays

COMMAND = Path(sys.executable).parent / "mailer-service"
HASH_KEY = "a key for hashes, only for tests, long enough"
CONCURRENCY = 4
"""Letters at once, unless a test says otherwise."""
QUICK = {tier: timedelta(milliseconds=200) for tier in WaitTier}


@dataclass(slots=True, kw_only=True)
class Replica:
    """One running `mailer-service worker`, its log in a file."""

    process: Child | subprocess.Popen[bytes]
    log: Path

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in events if event["event"] == name]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self, *, within: float = 40.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within)


def letter_call(envelope: Envelope) -> OutgoingMessage:
    """The message that the relay makes of an envelope."""
    header = envelope.header
    route = letter_route(header.letter_class)
    return call_of(DELIVER_LETTER, envelope, route, task_id=header.id, priority=header.priority)


@dataclass(slots=True, kw_only=True)
class Mailroom:
    """What a mailer needs, and auth-service's part played by the test."""

    broker: VirtualHost
    database: Database
    inbox: Inbox
    directory: Path
    auth: Celery
    sealing: tuple[str, str] = field(default_factory=generate_sealing_keys)
    signing: tuple[str, str] = field(default_factory=generate_signing_keys)
    replicas: list[Replica] = field(default_factory=list)
    _reports: list[DeliveryReport] = field(default_factory=list)
    _dead: list[dict[str, Any]] = field(default_factory=list)
    _publisher: Publisher | None = None
    _ledger: KeptConnection = field(init=False)

    def __post_init__(self) -> None:
        self._ledger = KeptConnection(self.database.admin_url, rows=RealDictCursor)

    def sealer(self) -> Sealer:
        return Sealer(
            sealing_keys=PublicSealingKeys.from_json(self.sealing[1]),
            signing_key=SigningKey.from_json(self.signing[0]),
        )

    def seal(
        self,
        recipient: str,
        *,
        letter: LetterName = LetterName.VERIFY_ADDRESS,
        locale: str = "en",
        expires_in: timedelta | None = None,
        letter_id: UUID | None = None,
        context: Mapping[str, str] | None = None,
        decoy: bool = False,
        recipient_tag: str = "tag",
    ) -> Envelope:
        definition = LETTERS[letter]
        now = datetime.now(UTC)
        header = EnvelopeHeader(
            id=letter_id or uuid4(),
            letter=letter,
            letter_class=definition.letter_class,
            priority=definition.priority,
            created_at=now,
            expires_at=now + (definition.lifetime if expires_in is None else expires_in),
            locale=locale,
            recipient_tag=recipient_tag,
        )
        fields = dict(CONTEXTS[letter] if context is None else context)
        return self.sealer().seal(header, Contents(recipient=recipient, context=fields, decoy=decoy))

    def post(self, envelope: Envelope) -> UUID:
        self._publish(letter_call(envelope))
        return envelope.header.id

    def cancel(self, letter_id: UUID, reason: CancellationReason = CancellationReason.SUPERSEDED) -> None:
        message = Cancellation(letter_id=letter_id, reason=reason, at=datetime.now(UTC))
        self._publish(call_of(CANCEL_LETTER, message, CANCELLATION_ROUTE, task_id=uuid4()))

    def close(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
        self._ledger.close()
        self.auth.close()

    def _publish(self, message: OutgoingMessage) -> None:
        self._publisher = self._publisher or Publisher(partial(ConfirmingChannel, self.auth))
        (outcome,) = self._publisher.publish([message])
        assert outcome.confirmed, outcome

    def settings(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "MAILER_DATABASE_URL": self.database.url,
            "MAILER_BROKER_URL": self.broker.url("mailer"),
            "MAILER_SMTP_URL": self.inbox.smtp_url,
            "MAILER_SENDER": "no-reply@postern.example",
            "MAILER_SEALING_KEYS": self.sealing[0],
            "MAILER_VERIFYING_KEYS": self.signing[1],
            "MAILER_HASH_KEY": HASH_KEY,
            "MAILER_CONCURRENCY": str(CONCURRENCY),
        }

    def start(self, **settings: str) -> Replica:
        """Start a replica and wait until it consumes."""
        log = self.directory / f"replica-{len(self.replicas)}.log"
        process = fork(
            [str(COMMAND), "worker"],
            environment={**self.settings(), **settings},
            log=log,
            directory=self.directory,
        )
        replica = Replica(process=process, log=log)
        self.replicas.append(replica)

        def consumes() -> bool:
            assert replica.is_running, log.read_text(encoding="utf-8")
            return ' ready.", ' in log.read_text(
                encoding="utf-8"
            )  # Celery's word, once its consumers are set up

        eventually(consumes, within=30)
        return replica

    def shorten_the_waits(self) -> None:
        """Let every waiting room let go after 200 ms."""
        self.set_the_waits(QUICK)

    def stop_the_waits(self) -> None:
        """Let no waiting room let go while a test looks into it."""
        self.set_the_waits({tier: timedelta(hours=1) for tier in WaitTier})

    def set_the_waits(self, delays: Mapping[WaitTier, timedelta]) -> None:
        self.broker.take_policies_of(build_topology(delays))
        shorten_delays(self.database.admin_url, min(delays.values()))

    def waiting(self) -> dict[UUID, tuple[WaitTier, dict[str, Any]]]:
        """Every letter in a waiting room: which one, and its message."""
        return {
            UUID(message["properties"]["headers"]["id"]): (tier, message)
            for tier in WaitTier
            for message in self.broker.peek(tier.queue)
        }

    def row(self, letter_id: UUID) -> dict[str, Any] | None:
        """The ledger's row of a letter."""
        rows = self.query("SELECT * FROM letters WHERE id = %s", str(letter_id))
        return rows[0] if rows else None

    def state(self, letter_id: UUID) -> str | None:
        row = self.row(letter_id)
        return None if row is None else str(row["state"])

    def attempts(self, letter_id: UUID) -> list[dict[str, Any]]:
        return self.query("SELECT * FROM attempts WHERE letter_id = %s ORDER BY fence, part", str(letter_id))

    def query(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._ledger.ask(statement, *values)]

    def reports(self, letter_id: UUID) -> list[DeliveryReport]:
        """What auth-service reads of a letter, in order."""
        self._reports += [
            DeliveryReport.model_validate(json.loads(message["payload"])[0][0])
            for message in self.broker.take(AUTH_REPORTS)
        ]
        return [report for report in self._reports if report.letter_id == letter_id]

    def told(self, letter_id: UUID) -> list[str]:
        """The states reported of a letter, in order."""
        return [report.state.value for report in self.reports(letter_id)]

    def dead(self, letter_id: UUID | None = None) -> list[dict[str, Any]]:
        """The dead letters so far, or those of one id."""
        self._dead += self.broker.take(MAILER_DEAD)
        wanted = str(letter_id)
        return [
            dead for dead in self._dead if letter_id is None or dead["properties"]["headers"]["id"] == wanted
        ]

    def subjects_for(self, recipient: str) -> list[str]:
        return [message.subject for message in self.inbox.messages(to=recipient)]

    def everything_is_settled(self) -> None:
        """Assert that no message is left in hand, queued or waiting."""
        for queue in self.broker.admin.get("queues", self.broker.vhost):
            if queue["name"].startswith("mailer.") and "pidbox" not in queue["name"]:
                left = queue.get("messages", 0)
                assert left == 0 or queue["name"] == MAILER_DEAD, (queue["name"], left)


@contextmanager
def mailroom(broker: VirtualHost, database: Database, directory: Path) -> Iterator[Mailroom]:
    """What replicas need; ends those that still run."""
    with Inbox() as inbox:
        room = Mailroom(
            broker=broker,
            database=database,
            inbox=inbox,
            directory=directory,
            auth=build_app("auth", broker_url=broker.url("auth")),
        )
        try:
            yield room
        finally:
            for replica in room.replicas:
                if replica.is_running:
                    replica.thaw()
                    replica.kill()
                print(f"--- {replica.log.name}\n{replica.log.read_text(encoding='utf-8')[-8000:]}")
            room.close()

"""An operator's place of work: the queue, the ledger and the way out, opened together and closed in order."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from celery import Celery
from sqlalchemy import Engine

from mail_contract.keys import VerifyingKeys
from mailer_service.deadletters.drop import Drop
from mailer_service.deadletters.info import DeadLetterInfo, read
from mailer_service.deadletters.ledger import DeadLedger
from mailer_service.deadletters.queue import DeadQueue
from mailer_service.deadletters.redrive import Redrive
from mailer_service.deadletters.redrive_publisher import RedrivePublisher
from mailer_service.deadletters.run import run_through
from mailer_service.deadletters.selection import Selection
from mailer_service.deadletters.summary import Summary
from service_runtime.celery.app import build_app


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterSession:
    """What one person works with, alone until it is closed.

    Attributes:
        keys: auth's public keys, if they are at hand.
    """

    app: Celery
    queue: DeadQueue
    ledger: DeadLedger
    keys: VerifyingKeys | None

    def count(self) -> int:
        """Returns how many dead letters there are."""
        return self.queue.ready()

    def look(
        self, selection: Selection, *, progress: Callable[[int], None] = lambda _: None
    ) -> Iterator[DeadLetterInfo]:
        """Yields those that are meant, from the head of the queue; all go back untouched in the end."""
        left = selection.limit
        for window in self.queue.walk():
            for info in filter(selection.takes, map(read, window)):
                if left == 0:
                    return
                left = None if left is None else left - 1
                yield info
            progress(len(window))

    def redrive(
        self,
        takes: Callable[[DeadLetterInfo], bool],
        summary: Summary,
        *,
        limit: int | None,
        dry_run: bool,
        progress: Callable[[int], None],
        copies: bool = False,
    ) -> None:
        """Sends those that are meant again; `copies` says whether also unconfirmed ones. See `run_through`."""
        run_through(
            self.queue,
            self._publisher(dry_run),
            takes=takes,
            decide=Redrive(self.ledger, keys=self.keys, dry_run=dry_run, copies=copies).decide,
            limit=limit,
            summary=summary,
            progress=progress,
        )

    def drop(
        self,
        takes: Callable[[DeadLetterInfo], bool],
        summary: Summary,
        *,
        limit: int | None,
        dry_run: bool,
        progress: Callable[[int], None],
    ) -> None:
        """Ends those that are meant; see `run_through`."""
        run_through(
            self.queue,
            self._publisher(dry_run),
            takes=takes,
            decide=Drop(self.ledger, keys=self.keys, dry_run=dry_run).decide,
            limit=limit,
            summary=summary,
            progress=progress,
        )

    def _publisher(self, dry_run: bool) -> RedrivePublisher | None:
        return None if dry_run else RedrivePublisher(self.app, self.queue.connection)


@contextmanager
def session_at(
    *, broker_url: str, engine: Engine, keys: VerifyingKeys | None, on_wait: Callable[[], None]
) -> Iterator[DeadLetterSession]:
    """Opens a desk; waits while somebody else is at one.

    Args:
        broker_url: as the user `operator`.
        engine: of the ledger, in autocommit mode.
        keys: auth's public keys, if they are at hand.
        on_wait: called once if there is somebody to wait for.

    Raises:
        BrokerLost, BrokerRefuses, LedgerUnavailable: also later, while it is open.
    """
    app = build_app("mailer-operator", broker_url=broker_url)
    try:
        with (
            DeadLedger(engine, actor=_actor(), on_wait=on_wait) as ledger,
            DeadQueue(app) as queue,
        ):
            yield DeadLetterSession(app=app, queue=queue, ledger=ledger, keys=keys)
    finally:
        app.close()


def _actor() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"

"""`auth-service accounts import`: people from elsewhere, as fast as one core reads their addresses."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

import click

from auth_service.cli.import_file import Survey, UnreadableFile, read_record, records_in, survey
from auth_service.cli.operating import transactions_on
from auth_service.cli.starting import start
from auth_service.cli.stoppable import STOPPED, Stoppable
from auth_service.domain.account_import import AccountImport, ImportedPerson, RefusedLine
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.import_accounts import Entry, ImportAccounts
from auth_service.settings import AccountsReadSettings
from service_runtime.command_line import Progress

FAILED: Final = 1
SOME_REFUSED: Final = 3

_TRANSACTION_SECONDS: Final = 30.0
_BATCH: Final = 500
"""Records a transaction; a second's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the operator asked for.

    Attributes:
        path: of the file.
        by: the operator's name.
        dry_run: only look, and write nothing.
        refused: a file to which refused lines are added, one JSON object a line.
        as_json: the answer is one JSON object.
    """

    path: Path
    by: str
    dry_run: bool
    refused: Path | None
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the records of this run."""

    accounts: int = 0
    pending: int = 0
    refused: int = 0


class Run:
    """One run of the command: it ends at the end of the file, or when asked to stop."""

    def __init__(
        self, flow: ImportAccounts, seen: Survey, stoppable: Stoppable, complain: TextIO | None
    ) -> None:
        self._flow = flow
        self._seen = seen
        self._run = stoppable
        self._complain = complain

    def look(self, path: Path) -> Counts:
        """Counts what would be imported of the whole file."""
        counts = Counts()
        with Progress("looking", done=0, of=self._seen.lines) as progress:
            for entries, _ in self._batches(path, 0):
                refused = self._run.insist(lambda entries=entries: self._flow.judge(entries))  # type: ignore[misc]
                self._tell(refused)
                good = {entry.line for entry in entries} - {entry.line for entry in refused}
                people = [e for e in entries if isinstance(e, ImportedPerson) and e.line in good]
                verified = sum(person.verified for person in people)
                counts = Counts(
                    accounts=counts.accounts + verified,
                    pending=counts.pending + len(people) - verified,
                    refused=counts.refused + len(refused),
                )
                progress.show(entries[-1].line if entries else self._seen.lines)
        return counts

    def write(self, path: Path) -> AccountImport:
        """Imports what is left of the file; returns how far it has come."""
        digest = self._seen.digest
        now = self._run.insist(lambda: self._flow.begin(digest))
        first = now.records
        with Progress("importing", done=first, of=self._seen.lines) as progress:
            for entries, last in self._batches(path, first):
                now, refused = self._run.insist(
                    lambda entries=entries, last=last, first=first: self._flow.write_batch(  # type: ignore[misc]
                        digest, entries, first=first, last=last
                    )
                )
                first += len(entries)
                self._tell(refused)
                progress.show(entries[-1].line if entries else self._seen.lines)
        return now

    def _batches(self, path: Path, passed_over: int) -> Iterator[tuple[Sequence[Entry], bool]]:
        """Yields the records behind those that are done with, and whether they are the last."""
        raw = islice(records_in(path), passed_over, None)
        batch = list(islice(raw, _BATCH))
        while not self._run.is_stopping:
            following = list(islice(raw, _BATCH))
            yield [read_record(record) for record in batch], not following
            if not following:
                return
            batch = following

    def _tell(self, refused: Sequence[RefusedLine]) -> None:
        for entry in refused:
            click.echo(f"line {entry.line}: {entry.reason}", err=True)
            if self._complain is not None:
                self._complain.write(json.dumps({"line": entry.line, "reason": entry.reason}) + "\n")
        if self._complain is not None:
            self._complain.flush()


def run(wish: Wish) -> int:
    """Imports; returns the exit code."""
    settings = start("auth-accounts", AccountsReadSettings, log_to=sys.stderr)
    stoppable = Stoppable()
    stoppable.listen()
    started = time.monotonic()
    with (
        transactions_on(
            settings.database_url, application="auth-accounts", seconds=_TRANSACTION_SECONDS
        ) as transactions,
        _opened(wish.refused) as complain,
    ):
        flow = ImportAccounts(transactions=transactions, keyed_hash=settings.keyed_hash(), by=wish.by)
        try:
            this = Run(flow, survey(wish.path), stoppable, complain)
            if wish.dry_run:
                counts, finished = this.look(wish.path), not stoppable.is_stopping
            else:
                now = this.write(wish.path)
                counts = Counts(accounts=now.accounts, pending=now.pending, refused=now.refused)
                finished = now.finished_at is not None
        except (UnreadableFile, DatabaseUnavailable, OSError) as error:
            click.echo(f"{wish.path.name}: {error}", err=True)
            return FAILED
    _say(wish, counts, finished=finished, seconds=time.monotonic() - started)
    if stoppable.signal and not finished:
        return STOPPED + stoppable.signal
    return SOME_REFUSED if counts.refused else 0


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    # What is in it is of people, if not much.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        yield file


def _say(wish: Wish, counts: Counts, *, finished: bool, seconds: float) -> None:
    answer: dict[str, Any] = {
        "dry_run": wish.dry_run,
        "accounts": counts.accounts,
        "pending": counts.pending,
        "refused": counts.refused,
        "finished": finished,
        "seconds": round(seconds, 3),
    }
    if wish.as_json:
        click.echo(json.dumps(answer))
        return
    made = "would be made; nothing was written" if wish.dry_run else "made"
    end = "Finished." if finished else "Run the same again to go on."
    click.echo(
        f"{counts.accounts:,} accounts and {counts.pending:,} pending registrations {made};"
        f" {counts.refused:,} lines refused. {end}"
    )

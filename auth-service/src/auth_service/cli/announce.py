"""`auth-service announce`: a letter to everybody verified, at the pace at which the relay takes it."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

import click

from auth_service.cli.starting import start
from auth_service.cli.stoppable import STOPPED, Stoppable
from auth_service.db.transactions import Transactions
from auth_service.domain.announcement import Announcement
from auth_service.errors import AnotherAnnouncement, DatabaseUnavailable, NothingToAnnounce, NotSettled
from auth_service.flows.announce import Announce
from auth_service.settings import AnnounceSettings
from mail_contract.letters import TermsChanged
from service_runtime.command_line import Progress
from service_runtime.database.engine import build_engine, build_sessions

REFUSED: Final = 1
_TRANSACTION_SECONDS: Final = 60.0
"""Counting a million accounts takes one; a cold disk some more."""

_SETTLE_SECONDS: Final = 60.0
"""Longer than any transaction of this service may be idle or wait for an answer."""

_LOOK_SECONDS: Final = 0.2
"""How often the outbox is looked at while it is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the operator asked for.

    Attributes:
        name: of the announcement.
        context: what it says; None to go on with one that was started.
        dry_run: only count.
        limit: letters at most, None for no limit.
        batch: letters a transaction.
        most_pending: bulk letters in the outbox at most before it waits.
        by: the operator's name.
        as_json: the answer is one JSON object.
    """

    name: str
    context: TermsChanged | None
    dry_run: bool
    limit: int | None
    batch: int
    most_pending: int
    by: str
    as_json: bool


class Run:
    """One run of the command: it ends when everybody has a letter, at its limit, or when asked to stop."""

    def __init__(self, announce: Announce, wish: Wish, stoppable: Stoppable) -> None:
        self._announce = announce
        self._wish = wish
        self._run = stoppable

    def count(self) -> tuple[Announcement | None, int]:
        """Returns the announcement, if it was started, and how many letters it still lacks."""
        found = self._run.insist(lambda: self._announce.find(self._wish.name, self._wish.context))
        if found is None and self._wish.context is None:
            raise NothingToAnnounce
        return found, 0 if found and found.is_finished else self._run.insist(
            lambda: self._announce.count_left(found)
        )

    def write(self) -> tuple[Announcement, int]:
        """Writes letters; returns where the announcement stands and how many were written."""
        wish = self._wish
        now = self._run.insist(lambda: self._announce.start(wish.name, wish.context))
        before = now.letters
        if now.last_account_id is None and not now.is_finished:
            self._settle(now)
        with Progress(wish.name, done=before, of=now.recipients) as progress:
            while not (now.is_finished or self._run.is_stopping):
                left = None if wish.limit is None else wish.limit - (now.letters - before)
                if left is not None and left <= 0:
                    break
                if not self._run.insist(lambda: self._announce.has_room(most_pending=wish.most_pending)):
                    progress.show(now.letters, note="waiting for the relay")
                    self._run.wait(_LOOK_SECONDS)
                    continue
                batch = wish.batch if left is None else min(wish.batch, left)
                now = self._run.insist(lambda batch=batch: self._announce.write_batch(wish.name, limit=batch))  # type: ignore[misc]
                progress.show(now.letters)
        return now, now.letters - before

    def _settle(self, announcement: Announcement) -> None:
        until = time.monotonic() + _SETTLE_SECONDS
        while not self._run.insist(lambda: self._announce.is_settled(announcement)):
            if self._run.wait(_LOOK_SECONDS):
                return
            if time.monotonic() >= until:
                raise NotSettled


def run(wish: Wish) -> int:
    """Announces; returns the exit code."""
    settings = start("auth-announce", AnnounceSettings, log_to=sys.stderr)
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application="auth-announce",
        connections=1,
        overflow=0,
        statement_limit=False,
    )
    transactions = Transactions(build_sessions(engine), seconds=_TRANSACTION_SECONDS)
    announce = Announce(
        transactions=transactions, sealer=settings.sealer(), keyed_hash=settings.keyed_hash(), by=wish.by
    )
    stoppable = Stoppable()
    this = Run(announce, wish, stoppable)
    stoppable.listen()
    started = time.monotonic()
    try:
        if wish.dry_run:
            found, left = this.count()
            _say(wish, _answer(found, left=left, written=0, seconds=None))
            return 0
        now, written = this.write()
        _say(wish, _answer(now, left=None, written=written, seconds=time.monotonic() - started))
    except (AnotherAnnouncement, NothingToAnnounce, NotSettled, DatabaseUnavailable) as error:
        click.echo(f"{wish.name}: {error}", err=True)
        return REFUSED
    finally:
        engine.dispose()
    return STOPPED + stoppable.signal if stoppable.signal and not now.is_finished else 0


def _answer(
    now: Announcement | None, *, left: int | None, written: int, seconds: float | None
) -> dict[str, Any]:
    rate = None if not seconds else round(written / seconds, 1)
    return {
        "started_at": now.started_at.isoformat() if now else None,
        "recipients": now.recipients if now else left,
        "letters": now.letters if now else 0,
        "left": left,
        "written": written,
        "seconds": None if seconds is None else round(seconds, 3),
        "per_second": rate,
        "finished": now is not None and now.is_finished,
    }


def _say(wish: Wish, answer: dict[str, Any]) -> None:
    if wish.as_json:
        click.echo(json.dumps({"name": wish.name, "dry_run": wish.dry_run, **answer}))
        return
    of = f"{answer['letters']:,} of {answer['recipients']:,} people have their letter"
    if wish.dry_run:
        sentence = f"{of}; {answer['left']:,} would get one now. Nothing was written."
    elif answer["finished"]:
        sentence = f"{answer['written']:,} letters written in {answer['seconds']} s ({answer['per_second']} a second). Finished: {of}."
    else:
        sentence = f"{answer['written']:,} letters written in {answer['seconds']} s ({answer['per_second']} a second); {of}. Run the same again to go on."
    click.echo(f"{wish.name}: {sentence}")

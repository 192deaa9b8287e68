"""The commands of `mailer-service dead`: each opens a session, works in it and prints what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import click

from mail_contract.keys import VerifyingKeys
from mailer_service.cli.dead_actions import summary_data, summary_text
from mailer_service.cli.dead_list import each_data, each_text, group_data, group_text, grouped
from mailer_service.cli.dead_show import show_data, show_text
from mailer_service.cli.text import json_line
from mailer_service.deadletters.decision import drop, redrive
from mailer_service.deadletters.info import DeadLetterInfo
from mailer_service.deadletters.selection import Selection, Summary
from mailer_service.deadletters.session import DeadLetterSession, Decide, session_at
from mailer_service.errors import MailerError
from mailer_service.history import Archive
from mailer_service.settings import OperatorSettings
from service_runtime.database.engine import build_engine

_CONNECTIONS = 2
_INTERRUPTED = 130
"""As a shell says of a program that Ctrl-C ended."""


def list_dead(settings: OperatorSettings, selection: Selection, *, each: bool, as_json: bool) -> None:
    """Prints how many there are, by group or one by one."""
    now = datetime.now(UTC)
    with _session(settings) as (session, _):
        total = session.count()
        found = session.look(selection)
        if each:
            infos = list(found)
            data = {"total": total, "letters": [each_data(info) for info in infos]}
            lines = each_text(infos)
            count = len(infos)
        else:
            groups = grouped(found, now=now)
            data = {"total": total, "groups": [group_data(group) for group in groups]}
            lines = group_text(groups, now=now)
            count = sum(group.count for group in groups)
    if as_json:
        click.echo(json_line(data))
        return
    click.echo(f"{total} dead letters" + ("" if count == total else f", {count} of them selected"))
    if count:
        click.echo("\n".join(lines))


def show_dead(settings: OperatorSettings, selection: Selection, *, as_json: bool) -> int:
    """Prints each that is meant, with its life; returns the exit code."""
    now = datetime.now(UTC)
    with _session(settings) as (session, archive):
        infos = list(session.look(selection))
        actions = [
            decision.action for decision in redrive(infos, session.ledger, keys=session.keys, dry_run=True)
        ]
        lives = archive.find({letter_id for one in infos if (letter_id := _letter_id(one.id))})
    shown = [
        (one, action, lives.get(letter_id) if (letter_id := _letter_id(one.id)) else None)
        for one, action in zip(infos, actions, strict=True)
    ]
    if as_json:
        click.echo(json_line({"letters": [show_data(*one) for one in shown]}))
    else:
        click.echo(
            "\n\n".join("\n".join(show_text(*one, now=now)) for one in shown) or "none of these is dead"
        )
    return 0 if shown else 1


def redrive_dead(
    settings: OperatorSettings, selection: Selection, *, dry_run: bool, copies: bool, as_json: bool
) -> int:
    """Sends those that are meant again and prints the count; returns the exit code.

    Unconfirmed ones among them stay, and are sent too if the answer to a question says so, or at once where `copies` does.
    """

    def run(
        takes: Callable[[DeadLetterInfo], bool], summary: Summary, *, limit: int | None, copies: bool
    ) -> int:
        with _session(settings) as (session, _):
            return _run(
                session,
                partial(redrive, copies=copies),
                takes,
                summary,
                limit=limit,
                dry_run=dry_run,
                as_json=as_json,
            )

    summary = Summary()
    code = run(selection.takes, summary, limit=selection.limit, copies=copies)
    stayed = summary.unconfirmed
    if dry_run or as_json or code == _INTERRUPTED or not stayed or not _accepts_copies(len(stayed)):
        return code
    # Those that were asked about and no others; the session is closed while the person thinks.
    return run(lambda one: one.key in stayed, Summary(), limit=None, copies=True)


def _accepts_copies(count: int) -> bool:
    question = (
        f"{count} unconfirmed: their mailboxes may have them already and may get a copy. Send them too?"
    )
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody is there to answer
        return False


def drop_dead(
    settings: OperatorSettings, selection: Selection, *, dry_run: bool, sure: bool, as_json: bool
) -> int:
    """Ends those that are meant, after a question unless it is sure, and prints the count; returns the exit code."""
    counted: set[tuple[str, str]] | None = None
    if not sure:
        # Those that were counted are dropped and no others; the session is closed while the person thinks.
        with _session(settings) as (session, _):
            counted = {one.key for one in session.look(selection)}
        question = f"Drop {len(counted)} dead letters for good?"
        if not counted or not click.confirm(question, err=True):
            click.echo("nothing was dropped", err=True)
            return 0 if not counted else 1

    def takes(one: DeadLetterInfo) -> bool:
        return selection.takes(one) and (counted is None or one.key in counted)

    with _session(settings) as (session, _):
        return _run(session, drop, takes, Summary(), limit=selection.limit, dry_run=dry_run, as_json=as_json)


def _run(
    session: DeadLetterSession,
    decide: Decide,
    takes: Callable[[DeadLetterInfo], bool],
    summary: Summary,
    *,
    limit: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    failure: MailerError | None = None
    with click.progressbar(
        length=session.count(), label="dead letters", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        try:
            session.run(decide, takes, summary, limit=limit, dry_run=dry_run, progress=bar.update)
        except KeyboardInterrupt:
            summary.interrupted = True
            session.queue.abandon()
        except MailerError as error:
            failure = error
    if as_json:
        click.echo(json_line(summary_data(summary, dry_run=dry_run)))
    else:
        click.echo("\n".join(summary_text(summary, dry_run=dry_run)))
    if failure is not None:
        raise failure
    if summary.interrupted:
        return _INTERRUPTED
    return 1 if summary.kept else 0


@contextmanager
def _session(settings: OperatorSettings) -> Iterator[tuple[DeadLetterSession, Archive]]:
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application="mailer-dead",
        connections=_CONNECTIONS,
        autocommit=True,
    )
    keys = settings.verifying_keys
    try:
        with session_at(
            broker_url=settings.broker_url.get_secret_value(),
            engine=engine,
            keys=VerifyingKeys.from_json(keys.get_secret_value()) if keys else None,
            on_wait=lambda: click.echo("somebody else is at work on the dead letters; waiting", err=True),
        ) as session:
            yield session, Archive(engine)
    except MailerError as error:
        raise click.ClickException(str(error)) from error
    finally:
        engine.dispose()


def _letter_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None

"""The verbs for letters that lie on the broker: each opens a session, works in it and prints what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import click

from mail_contract.keys import VerifyingKeys
from mail_contract.topology import MAILER_DEAD, WaitTier
from mailer_service.cli.dead_actions import note_of, summary_data, summary_text
from mailer_service.cli.dead_list import each_data, each_text, group_data, group_text, grouped
from mailer_service.cli.dead_show import show_data, show_text
from mailer_service.cli.text import json_line
from mailer_service.deadletters.canaries import Canaries
from mailer_service.deadletters.info import LetterInfo
from mailer_service.deadletters.run import Decide, Run
from mailer_service.deadletters.selection import Selection, letter_id_of
from mailer_service.deadletters.session import LetterSession, session_at
from mailer_service.deadletters.verbs import drop, hurry, redrive
from mailer_service.errors import MailerError
from mailer_service.history import Archive
from mailer_service.settings import OperatorSettings
from service_runtime.command_line import Progress
from service_runtime.database.engine import build_engine

_CONNECTIONS = 2
_INTERRUPTED = 130
"""As a shell says of a program that Ctrl-C ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where letters lie.

    Attributes:
        word: what they are called there.
        queues: which queues those are.
        verb, again: what sends them again, and its name.
    """

    word: str
    queues: Sequence[str]
    verb: str
    again: Decide


DEAD = Place(word="dead", queues=(MAILER_DEAD,), verb="redrive", again=redrive)
WAITING = Place(word="waiting", queues=tuple(tier.queue for tier in WaitTier), verb="hurry", again=hurry)


def list_letters(
    settings: OperatorSettings, place: Place, selection: Selection, *, each: bool, as_json: bool
) -> None:
    """Prints how many there are, by group or one by one."""
    now = datetime.now(UTC)
    looked: list[int] = []
    with _session(settings, place) as (session, _):
        found = session.look(selection, seen=looked.append)
        if each:
            infos = list(found)
            lines = each_text(infos)
            data = {"letters": [each_data(info) for info in infos]}
            count = len(infos)
        else:
            groups = grouped(found, now=now)
            lines = group_text(groups, now=now)
            data = {"groups": [group_data(group) for group in groups]}
            count = sum(group.count for group in groups)
    total = sum(looked)
    if as_json:
        click.echo(json_line({"total": total, **data}))
        return
    click.echo(f"{total} {place.word} letters" + ("" if count == total else f", {count} of them selected"))
    if count:
        click.echo("\n".join(lines))


def show_letters(settings: OperatorSettings, place: Place, selection: Selection, *, as_json: bool) -> int:
    """Prints each that is meant, with its life; returns the exit code."""
    now = datetime.now(UTC)
    with _session(settings, place) as (session, archive):
        infos = list(session.look(selection))
        decided = place.again(infos, session.ledger, keys=session.keys, dry_run=True)
        actions = [decision.action for decision in decided]
        lives = archive.find({letter_id for one in infos if (letter_id := letter_id_of(one))})
    shown = [
        (one, action, lives.get(letter_id) if (letter_id := letter_id_of(one)) else None)
        for one, action in zip(infos, actions, strict=True)
    ]
    if as_json:
        click.echo(json_line({"letters": [show_data(*one, verb=place.verb) for one in shown]}))
    else:
        click.echo(
            "\n\n".join("\n".join(show_text(*one, verb=place.verb, now=now)) for one in shown)
            or f"none of these is {place.word}"
        )
    return 0 if shown else 1


def redrive_dead(
    settings: OperatorSettings,
    selection: Selection,
    *,
    dry_run: bool,
    copies: bool,
    canaries: Canaries | None,
    rate: float | None,
    actor: str,
    as_json: bool,
) -> int:
    """Sends those that are meant again and prints the count; returns the exit code.

    Unconfirmed ones among them stay, and are sent too if the answer to a question says so, or at once where `copies` does.
    """

    def run_of(takes: Callable[[LetterInfo], bool], *, limit: int | None, copies: bool) -> Run:
        return Run(
            decide=partial(redrive, copies=copies),
            takes=takes,
            limit=limit,
            dry_run=dry_run,
            once=True,
            canaries=canaries,
            rate=rate,
        )

    run = run_of(selection.takes, limit=selection.limit, copies=copies)
    code = _carry_out(settings, DEAD, run, verb="redrive", actor=actor, as_json=as_json)
    stayed = run.summary.unconfirmed
    if dry_run or as_json or code == _INTERRUPTED or not stayed or not _accepts_copies(len(stayed)):
        return code
    # Those that were asked about and no others; the session is closed while the person thinks.
    again = run_of(lambda one: one.key in stayed, limit=None, copies=True)
    return _carry_out(settings, DEAD, again, verb="redrive", actor=actor, as_json=as_json)


def _accepts_copies(count: int) -> bool:
    question = (
        f"{count} unconfirmed: their mailboxes may have them already and may get a copy. Send them too?"
    )
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody is there to answer
        return False


def hurry_waiting(
    settings: OperatorSettings, selection: Selection, *, dry_run: bool, actor: str, as_json: bool
) -> int:
    """Sends those that are meant back to work at once and prints the count; returns the exit code."""
    run = Run(decide=hurry, takes=selection.takes, limit=selection.limit, dry_run=dry_run, once=True)
    return _carry_out(settings, WAITING, run, verb="hurry", actor=actor, as_json=as_json)


def drop_letters(
    settings: OperatorSettings,
    place: Place,
    selection: Selection,
    *,
    dry_run: bool,
    sure: bool,
    actor: str,
    as_json: bool,
) -> int:
    """Ends those that are meant, after a question unless it is sure, and prints the count; returns the exit code."""
    counted: set[tuple[str, str]] | None = None
    if not sure:
        # Those that were counted are dropped and no others; the session is closed while the person thinks.
        with _session(settings, place) as (session, _):
            counted = {one.key for one in session.look(selection)}
        question = f"Drop {len(counted)} {place.word} letters for good?"
        if not counted or not click.confirm(question, err=True):
            click.echo("nothing was dropped", err=True)
            return 0 if not counted else 1

    def takes(one: LetterInfo) -> bool:
        return selection.takes(one) and (counted is None or one.key in counted)

    run = Run(decide=drop, takes=takes, limit=selection.limit, dry_run=dry_run)
    return _carry_out(settings, place, run, verb="drop", actor=actor, as_json=as_json)


def _carry_out(
    settings: OperatorSettings, place: Place, run: Run, *, verb: str, actor: str, as_json: bool
) -> int:
    failure: MailerError | None = None
    finished = False
    while not finished:
        with _session(settings, place, actor=actor) as (session, _):
            try:
                with Progress(f"{place.word} letters", done=0, of=session.count()) as progress:
                    run.progress = progress.show
                    finished = run.go_on(session)
                if finished and not run.dry_run:
                    session.ledger.note(f"{place.word} {verb}", note_of(run.summary))
            except KeyboardInterrupt:
                run.summary.interrupted = finished = True
                session.abandon()
            except MailerError as error:
                failure, finished = error, True
                session.abandon()
    if as_json:
        click.echo(json_line(summary_data(run.summary, dry_run=run.dry_run)))
    else:
        click.echo("\n".join(summary_text(run.summary, word=place.word, dry_run=run.dry_run)))
    if failure is not None:
        raise click.ClickException(str(failure))
    if run.summary.interrupted:
        return _INTERRUPTED
    return 1 if run.summary.kept else 0


@contextmanager
def _session(
    settings: OperatorSettings, place: Place, *, actor: str = ""
) -> Iterator[tuple[LetterSession, Archive]]:
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application=f"mailer-{place.word}",
        connections=_CONNECTIONS,
        autocommit=True,
    )
    keys = settings.verifying_keys
    try:
        with session_at(
            broker_url=settings.broker_url.get_secret_value(),
            engine=engine,
            keys=VerifyingKeys.from_json(keys.get_secret_value()) if keys else None,
            on_wait=lambda: click.echo("somebody else is at work on these letters; waiting", err=True),
            actor=actor,
            queues=place.queues,
        ) as session:
            yield session, Archive(engine)
    except MailerError as error:
        raise click.ClickException(str(error)) from error
    finally:
        engine.dispose()

"""The command line of `auth-service held`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import click

from auth_service.domain.hold import Selection
from mail_contract.letters import LetterClass
from service_runtime.command_line import Age, actor_option

_LISTED: Final = 50


@click.group()
def held() -> None:
    """Look at letters of registrations that are held before they are sent, and end it: see docs/protection.md."""


_older_than = click.option("--older-than", type=Age(), help="Only those held so long: 30s, 5m, 2h, 1d.")
_letter_class = click.option(
    "--class", "letter_class", type=click.Choice([str(name) for name in LetterClass]), help="Only this class."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@held.command("list")
@_older_than
@_letter_class
@click.option("--limit", type=click.IntRange(min=1), default=_LISTED, show_default=True, help="At most.")
@_as_json
def list_command(
    *, older_than: timedelta | None, letter_class: str | None, limit: int, as_json: bool
) -> None:
    """List held letters, the oldest first. Shows no address."""
    from auth_service.cli import held as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.show(_selection(older_than, letter_class, limit), as_json=as_json))


def _ending(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb its options."""
    options = (
        _older_than,
        _letter_class,
        click.option("--limit", type=click.IntRange(min=1), help="So many at most, the oldest first."),
        click.option("--all", "everything", is_flag=True, help="All of them, where nothing else is said."),
        click.option("--dry-run", is_flag=True, help="Only count them."),
        actor_option,
        _as_json,
    )
    for option in reversed(options):
        command = option(command)
    return command


@held.command()
@_ending
def release(**options: Any) -> None:
    """Let held letters go: the relay takes them at once."""
    _end("release", **options)


@held.command()
@_ending
def drop(**options: Any) -> None:
    """Take held letters out: they are never sent, their receipts say `limited`, and whoever waits may ask again."""
    _end("drop", **options)


def _end(
    verb: str,
    *,
    older_than: timedelta | None,
    letter_class: str | None,
    limit: int | None,
    everything: bool,
    dry_run: bool,
    actor: str,
    as_json: bool,
) -> None:
    from auth_service.cli import held as process  # noqa: PLC0415 - each command loads only its own

    if not everything and older_than is None and letter_class is None and limit is None:
        raise click.UsageError("say which: --older-than, --class, --limit, or --all")
    selection = _selection(older_than, letter_class, limit)
    sys.exit(process.end(process.Verb(verb), selection, by=actor, dry_run=dry_run, as_json=as_json))


def _selection(older_than: timedelta | None, letter_class: str | None, limit: int | None) -> Selection:
    return Selection(
        older_than=older_than,
        letter_class=None if letter_class is None else LetterClass(letter_class),
        most=limit,
    )

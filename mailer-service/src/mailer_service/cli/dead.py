"""`mailer-service dead`: the verbs for dead letters, as far as the command line goes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mailer_service.cli import dead_letters as process
from mailer_service.cli.start import settings_of
from mailer_service.deadletters.selection import Selection
from mailer_service.settings import OperatorSettings

F = TypeVar("F", bound=Callable[..., Any])

_SHOWN_AT_MOST = 20
_SHORTEST = 6
"""Characters of an abbreviated id: fewer would soon be those of several letters."""


@click.group()
def dead() -> None:
    """Look at letters that will not be sent unless somebody acts, and act.

    Reads MAILER_BROKER_URL (as the user operator) and MAILER_DATABASE_URL.
    """


def _long_enough(
    _context: click.Context, _option: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    for name in names:
        if len(name) < _SHORTEST:
            raise click.BadParameter(f"{name}: give at least {_SHORTEST} characters")
    return names


def _selecting(command: F) -> F:
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="No more than so many, the oldest first."),
        click.option("--letter", "letters", multiple=True, help="Only of this letter; may be repeated."),
        click.option("--reason", "reasons", multiple=True, help="Only dead of this; may be repeated."),
        click.option(
            "--id",
            "ids",
            multiple=True,
            callback=_long_enough,
            help="Only this one; may be repeated, may be abbreviated.",
        ),
    ):
        command = option(command)
    return command


_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@dead.command(name="list")
@_selecting
@click.option("--each", is_flag=True, help="One line a letter instead of groups.")
@_as_json
def list_(*, each: bool, as_json: bool, **selectors: Any) -> None:
    """Count dead letters by reason, class and age; touches none."""
    process.list_dead(_settings(), _selection(selectors), each=each, as_json=as_json)


@dead.command()
@click.argument("names", nargs=-1, metavar="[ID]...", callback=_long_enough)
@_selecting
@_as_json
def show(*, names: tuple[str, ...], as_json: bool, **selectors: Any) -> None:
    """Show dead letters with all but what is sealed, and what the ledger knows of them; touches none.

    Exit code 1 if there is none of these.
    """
    selectors["ids"] += names
    selectors["limit"] = selectors["limit"] or (None if selectors["ids"] else _SHOWN_AT_MOST)
    sys.exit(process.show_dead(_settings(), _selection(selectors), as_json=as_json))


@dead.command()
@_selecting
@_dry_run
@click.option("--copies", is_flag=True, help="Unconfirmed ones too: their mailboxes may get a copy.")
@_as_json
def redrive(*, dry_run: bool, copies: bool, as_json: bool, **selectors: Any) -> None:
    """Send dead letters again: all, or those that are selected.

    An unconfirmed letter may be in its mailbox already. It is sent again only after a question, or with --copies. What cannot be sent stays and is named with its reason (exit code 1). What has expired is not sent: auth-service is asked
    for a fresh one. Stopped half-way, run it again: nothing is lost and nothing is sent twice.
    """
    sys.exit(
        process.redrive_dead(
            _settings(), _selection(selectors), dry_run=dry_run, copies=copies, as_json=as_json
        )
    )


@dead.command()
@_selecting
@_dry_run
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as_json
def drop(*, dry_run: bool, yes: bool, as_json: bool, **selectors: Any) -> None:
    """End dead letters for good, after a question: all, or those that are selected; auth-service is told."""
    sys.exit(
        process.drop_dead(
            _settings(), _selection(selectors), dry_run=dry_run, sure=yes or dry_run, as_json=as_json
        )
    )


def _settings() -> OperatorSettings:
    return settings_of(OperatorSettings, log_to=sys.stderr)


def _selection(selectors: dict[str, Any]) -> Selection:
    return Selection(
        ids=tuple(selectors["ids"]),
        reasons=frozenset(selectors["reasons"]),
        letters=frozenset(selectors["letters"]),
        limit=selectors["limit"],
    )

"""`mailer-service waiting`: letters that wait for their next attempt, or because they are held."""

from __future__ import annotations

import sys
from typing import Any

import click

from mailer_service.cli import dead_letters as process
from mailer_service.cli.selecting import long_enough, selecting, selection_of
from mailer_service.cli.start import settings_of
from mailer_service.deadletters.selection import Selection
from mailer_service.settings import OperatorSettings
from service_runtime.command_line import actor_option

_SHOWN_AT_MOST = 20
_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@click.group()
def waiting() -> None:
    """Look at letters that wait on the broker for another attempt, and act.

    Reads MAILER_BROKER_URL (as the user operator) and MAILER_DATABASE_URL. Letters wait for 10 s to 2 h and go on by themselves;
    one that is looked at is late by the time the look takes.
    """


@waiting.command(name="list")
@selecting
@click.option("--each", is_flag=True, help="One line a letter instead of groups.")
@_as_json
def list_(*, each: bool, as_json: bool, **selectors: Any) -> None:
    """Count waiting letters by reason, class and age; touches none."""
    settings = _settings()
    process.list_letters(
        settings, process.WAITING, _selection(settings, selectors), each=each, as_json=as_json
    )


@waiting.command()
@click.argument("names", nargs=-1, metavar="[ID]...", callback=long_enough)
@selecting
@_as_json
def show(*, names: tuple[str, ...], as_json: bool, **selectors: Any) -> None:
    """Show waiting letters with all but what is sealed, and what the ledger knows of them; touches none.

    Exit code 1 if there is none of these.
    """
    selectors["ids"] += names
    selectors["limit"] = selectors["limit"] or (None if selectors["ids"] else _SHOWN_AT_MOST)
    settings = _settings()
    sys.exit(
        process.show_letters(settings, process.WAITING, _selection(settings, selectors), as_json=as_json)
    )


@waiting.command()
@selecting
@_dry_run
@actor_option
@_as_json
def hurry(*, dry_run: bool, actor: str, as_json: bool, **selectors: Any) -> None:
    """Let waiting letters wait no longer: all, or those that are selected.

    One that a mail server may have keeps its minute (exit code 1). What made a letter wait may make it wait again.
    """
    settings = _settings()
    sys.exit(
        process.hurry_waiting(
            settings, _selection(settings, selectors), dry_run=dry_run, actor=actor, as_json=as_json
        )
    )


@waiting.command()
@selecting
@_dry_run
@click.option("--yes", is_flag=True, help="Do not ask.")
@actor_option
@_as_json
def drop(*, dry_run: bool, yes: bool, actor: str, as_json: bool, **selectors: Any) -> None:
    """End waiting letters for good, after a question: all, or those that are selected; auth-service is told."""
    settings = _settings()
    sys.exit(
        process.drop_letters(
            settings,
            process.WAITING,
            _selection(settings, selectors),
            dry_run=dry_run,
            sure=yes or dry_run,
            actor=actor,
            as_json=as_json,
        )
    )


def _settings() -> OperatorSettings:
    return settings_of(OperatorSettings, log_to=sys.stderr)


def _selection(settings: OperatorSettings, selectors: dict[str, Any]) -> Selection:
    return selection_of(**selectors, hash_key=settings.hash_key)

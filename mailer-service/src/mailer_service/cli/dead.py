"""`mailer-service dead`: the verbs for dead letters, as far as the command line goes."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import click

from mailer_service.cli import dead_letters as process
from mailer_service.cli.selecting import long_enough, selecting, selection_of
from mailer_service.cli.start import settings_of
from mailer_service.deadletters.canaries import MANY, USUAL, Canaries
from mailer_service.deadletters.selection import Selection
from mailer_service.settings import OperatorSettings
from service_runtime.command_line import Age, actor_option

_SHOWN_AT_MOST = 20


@click.group()
def dead() -> None:
    """Look at letters that will not be sent unless somebody acts, and act.

    Reads MAILER_BROKER_URL (as the user operator) and MAILER_DATABASE_URL.
    """


_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


@dead.command(name="list")
@selecting
@click.option("--each", is_flag=True, help="One line a letter instead of groups.")
@_as_json
def list_(*, each: bool, as_json: bool, **selectors: Any) -> None:
    """Count dead letters by reason, class and age; touches none."""
    settings = _settings()
    process.list_letters(settings, process.DEAD, _selection(settings, selectors), each=each, as_json=as_json)


@dead.command()
@click.argument("names", nargs=-1, metavar="[ID]...", callback=long_enough)
@selecting
@_as_json
def show(*, names: tuple[str, ...], as_json: bool, **selectors: Any) -> None:
    """Show dead letters with all but what is sealed, and what the ledger knows of them; touches none.

    Exit code 1 if there is none of these.
    """
    selectors["ids"] += names
    selectors["limit"] = selectors["limit"] or (None if selectors["ids"] else _SHOWN_AT_MOST)
    settings = _settings()
    sys.exit(process.show_letters(settings, process.DEAD, _selection(settings, selectors), as_json=as_json))


@dead.command()
@selecting
@_dry_run
@click.option("--copies", is_flag=True, help="Unconfirmed ones too: their mailboxes may get a copy.")
@click.option(
    "--canary",
    type=click.IntRange(min=0),
    help=f"So many of each reason go first, the others once those arrived; 0: all at once. [default: {USUAL} where there are"
    f" more than {MANY}]",
)
@click.option(
    "--wait",
    type=Age(),
    default="30s",
    show_default=True,
    help="How long to wait for what becomes of those that went first.",
)
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="N letters a second at most."
)
@actor_option
@_as_json
def redrive(
    *,
    dry_run: bool,
    copies: bool,
    canary: int | None,
    wait: timedelta,
    rate: float | None,
    actor: str,
    as_json: bool,
    **selectors: Any,
) -> None:
    """Send dead letters again, once each: all, or those that are selected.

    A few of each reason go first; if they come back with that reason, the others of it stay. An unconfirmed letter may be in
    its mailbox already: it is sent again only after a question, or with --copies. What cannot be sent stays and is named with
    its reason (exit code 1). What has expired is not sent: auth-service is asked for a fresh one. Stopped half-way, run it
    again: nothing is lost and nothing is sent twice.
    """
    canaries = None
    if canary != 0 and not dry_run:
        canaries = Canaries(
            size=canary or USUAL, many=MANY if canary is None else canary, patience=wait.total_seconds()
        )
    settings = _settings()
    sys.exit(
        process.redrive_dead(
            settings,
            _selection(settings, selectors),
            dry_run=dry_run,
            copies=copies,
            canaries=canaries,
            rate=rate,
            actor=actor,
            as_json=as_json,
        )
    )


@dead.command()
@selecting
@_dry_run
@click.option("--yes", is_flag=True, help="Do not ask.")
@actor_option
@_as_json
def drop(*, dry_run: bool, yes: bool, actor: str, as_json: bool, **selectors: Any) -> None:
    """End dead letters for good, after a question: all, or those that are selected; auth-service is told."""
    settings = _settings()
    sys.exit(
        process.drop_letters(
            settings,
            process.DEAD,
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

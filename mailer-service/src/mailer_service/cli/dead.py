"""`mailer-service dead`: the verbs for dead letters, as far as the command line goes."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import click

from mailer_service.cli import dead_letters as process
from mailer_service.cli.letter_verbs import add_verbs, as_json_option, dry_run_option, settings_and_selection
from mailer_service.cli.selecting import selecting
from mailer_service.deadletters.canaries import MANY, USUAL, Canaries
from service_runtime.command_line import Age, actor_option


@click.group()
def dead() -> None:
    """Look at letters that will not be sent unless somebody acts, and act.

    Reads MAILER_BROKER_URL (as the user operator) and MAILER_DATABASE_URL.
    """


add_verbs(dead, process.DEAD)


@dead.command()
@selecting
@dry_run_option
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
@as_json_option
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
    settings, selection = settings_and_selection(selectors)
    sys.exit(
        process.redrive_dead(
            settings,
            selection,
            dry_run=dry_run,
            copies=copies,
            canaries=canaries,
            rate=rate,
            actor=actor,
            as_json=as_json,
        )
    )

"""`mailer-service waiting`: letters that wait for their next attempt, or because they are held."""

from __future__ import annotations

import sys
from typing import Any

import click

from mailer_service.cli import dead_letters as process
from mailer_service.cli.letter_verbs import add_verbs, as_json_option, dry_run_option, settings_and_selection
from mailer_service.cli.selecting import selecting
from service_runtime.command_line import actor_option


@click.group()
def waiting() -> None:
    """Look at letters that wait on the broker for another attempt, and act.

    Reads MAILER_BROKER_URL (as the user operator) and MAILER_DATABASE_URL. Letters wait for 10 s to 2 h and go on by themselves;
    one that is looked at is late by the time the look takes.
    """


add_verbs(waiting, process.WAITING)


@waiting.command()
@selecting
@dry_run_option
@actor_option
@as_json_option
def hurry(*, dry_run: bool, actor: str, as_json: bool, **selectors: Any) -> None:
    """Let waiting letters wait no longer: all, or those that are selected.

    One that a mail server may have keeps its minute (exit code 1). What made a letter wait may make it wait again.
    """
    settings, selection = settings_and_selection(selectors)
    sys.exit(process.hurry_waiting(settings, selection, dry_run=dry_run, actor=actor, as_json=as_json))

"""`mailer-service rotate-sealing-key`: one step, and what to do until the next."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from mail_contract.errors import BadKey
from mailer_service.cli.sealing_keys import RETIRE_AFTER, NotRestarted, Step, rotate_sealing_keys
from service_runtime.command_line import moment_text

_NOTHING_DONE: Final = 1
_DONE: Final = {
    Step.MAKE: "Made the next key; letters are sealed with the old one still. Now start all mailers anew, so that they can open"
    " with it, and run this again with --restarted.",
    Step.USE: "Letters are sealed with the new key from now on. Now start auth-service's processes anew, and run this again with"
    " --restarted from {due} on, to destroy the old key.",
    Step.RETIRE: "Destroyed the old key: what was sealed with it can't be opened any more. Now start all mailers anew. That was all.",
}


def run(directory: Path, *, restarted: bool) -> int:
    """Takes a step; returns the exit code."""
    now = datetime.now(UTC)
    try:
        rotation = rotate_sealing_keys(directory, now=now, restarted=restarted)
    except NotRestarted as error:
        raise click.ClickException(
            "start all processes that the last step named anew first, if that was not done since, and say so with --restarted"
        ) from error
    except (OSError, BadKey) as error:
        raise click.ClickException(f"{directory}: {type(error).__name__}") from error
    if not rotation.done:
        click.echo(
            f"Too early: letters sealed with the old key may still be on their way. Run this again from {moment_text(rotation.due)} on.",
            err=True,
        )
        return _NOTHING_DONE
    click.echo(_DONE[rotation.step].format(due=moment_text(now + RETIRE_AFTER)))
    return 0

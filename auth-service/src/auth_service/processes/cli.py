"""The command `auth-service`: one subcommand a process. Exit code 2: the configuration is missing or wrong, and named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from auth_service.processes.keys import LonelyPublicKey, write_keys
from mail_contract.errors import SettingsError

WRONG_SETTINGS: Final = 2

PROCESSES: Final = {
    "api": "Serve HTTP.",
    "relay": "Take committed letters from the outbox to the broker.",
    "worker": "Record delivery reports and do scheduled work.",
    "beat": "Ask for scheduled work when it is time.",
    "migrate": "Bring the database to the newest schema.",
}
"""The modules of this package with a `run()` each; only the one asked for is imported."""


def _run(name: str) -> None:
    import_module(f"auth_service.processes.{name}").run()


@click.group()
def commands() -> None:
    """The account gate: registrations, verifications, receipts. Configured by AUTH_… and POSTERN_… variables."""


for _name, _help in PROCESSES.items():
    commands.add_command(click.Command(_name, callback=partial(_run, _name), help=_help))


@commands.command()
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), required=True)
def keys(directory: Path) -> None:
    """Write signing keys and the hash key into a directory, where they are missing."""
    try:
        for path in write_keys(directory):
            click.echo(f"wrote {path}")
    except LonelyPublicKey as error:
        raise click.ClickException(str(error)) from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line: these arguments, or the process's own."""
    try:
        commands(arguments)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG_SETTINGS)

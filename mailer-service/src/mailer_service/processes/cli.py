"""The command line `mailer-service`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mailer_service.errors import AddressTaken
from mailer_service.processes.lazy import LazyGroup
from mailer_service.processes.start import BAD_SETTINGS, settings_of
from mailer_service.sender_settings import DkimSettings
from mailer_service.settings import FlowerSettings, MigrationSettings, WorkerSettings


@click.group(
    cls=LazyGroup,
    elsewhere={
        "dead": "mailer_service.processes.dead",
        "explain": "mailer_service.processes.explain",
        "letters": "mailer_service.processes.letters",
        "suppressions": "mailer_service.processes.suppressions",
    },
)
def main() -> None:
    """Postern's mailer: takes sealed letters from the broker and sends them, once each."""


@main.command()
def worker() -> None:
    """Deliver letters until told to stop."""
    from mailer_service.processes import worker as process  # noqa: PLC0415 - each command loads only its own

    try:
        process.run(settings_of(WorkerSettings))
    except AddressTaken as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_SETTINGS)


@main.command()
def alive() -> None:
    """Ask the worker at MAILER_LISTEN whether it is stuck: exit code 0 if it works, 1 if not."""
    from mailer_service.processes import alive as process  # noqa: PLC0415

    process.main()


@main.command()
def migrate() -> None:
    """Bring the ledger's database to this version."""
    from mailer_service.processes import migrate as process  # noqa: PLC0415

    process.run(settings_of(MigrationSettings))


@main.command()
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--dkim", is_flag=True, help="Also those that letters are signed with.")
def keys(directory: Path, *, dkim: bool) -> None:
    """Make the keys that letters are sealed with, where they are missing."""
    from mailer_service.processes import keys as process  # noqa: PLC0415

    try:
        for path in (*process.run(directory), *(process.make_dkim_keys(directory) if dkim else ())):
            click.echo(f"wrote {path}")
    except OSError as error:
        raise click.ClickException(str(error)) from error


@main.command("dkim-records")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def dkim_records(*, as_json: bool) -> None:
    """Print the DNS records that let readers verify the letters' signatures."""
    from mailer_service.processes import dkim_records as process  # noqa: PLC0415

    settings = settings_of(DkimSettings)
    click.echo(process.as_json(settings) if as_json else process.run(settings))


@main.command()
def flower() -> None:
    """Show replicas and tasks on a page."""
    from mailer_service.processes import flower as process  # noqa: PLC0415

    process.run(settings_of(FlowerSettings))

"""The command line `mailer-service`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mailer_service.cli import alive as ask_worker
from mailer_service.cli import flower as flower_process
from mailer_service.cli import keys as key_files
from mailer_service.cli import worker as worker_process
from mailer_service.cli.dead import dead
from mailer_service.cli.explain import explain
from mailer_service.cli.letters import letters
from mailer_service.cli.start import BAD_SETTINGS, settings_of
from mailer_service.cli.suppressions import suppressions
from mailer_service.db import migrate as migrations
from mailer_service.errors import AddressTaken, BrokenTemplates
from mailer_service.letter_settings import DkimSettings
from mailer_service.settings import FlowerSettings, MigrationSettings, WorkerSettings


@click.group(commands=[dead, explain, letters, suppressions])
def main() -> None:
    """Postern's mailer: takes sealed letters from the broker and sends them, once each."""


@main.command()
def worker() -> None:
    """Deliver letters until told to stop."""
    try:
        worker_process.run(settings_of(WorkerSettings))
    except (AddressTaken, BrokenTemplates) as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_SETTINGS)


@main.command()
def alive() -> None:
    """Ask the worker at MAILER_LISTEN whether it is stuck: exit code 0 if it works, 1 if not."""
    ask_worker.main()


@main.command()
def migrate() -> None:
    """Bring the ledger's database to this version."""
    migrations.migrate(settings_of(MigrationSettings).migration_database_url.get_secret_value())


@main.command()
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--dkim", is_flag=True, help="Also those that letters are signed with.")
def keys(directory: Path, *, dkim: bool) -> None:
    """Make the keys that letters are sealed with, where they are missing."""
    try:
        for path in (*key_files.run(directory), *(key_files.make_dkim_keys(directory) if dkim else ())):
            click.echo(f"wrote {path}")
    except OSError as error:
        raise click.ClickException(str(error)) from error


@main.command("dkim-records")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def dkim_records(*, as_json: bool) -> None:
    """Print the DNS records that let readers verify the letters' signatures."""
    settings = settings_of(DkimSettings)
    click.echo(key_files.dkim_records_as_json(settings) if as_json else key_files.dkim_records(settings))


@main.command()
def flower() -> None:
    """Show replicas and tasks on a page."""
    flower_process.run(settings_of(FlowerSettings))

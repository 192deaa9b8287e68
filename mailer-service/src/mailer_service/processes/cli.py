"""The command line `mailer-service`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import click

from mail_contract.errors import SettingsError
from mail_contract.setting_types import ProcessSettings
from mail_contract.settings import load
from mail_contract.telemetry import configure_logging
from mailer_service.settings import FlowerSettings, MigrationSettings, WorkerSettings

S = TypeVar("S", bound=ProcessSettings)
BAD_SETTINGS = 2


@click.group()
def main() -> None:
    """Postern's mailer: takes sealed letters from the broker and sends them, once each."""


@main.command()
def worker() -> None:
    """Deliver letters until told to stop."""
    from mailer_service.processes import worker as process  # noqa: PLC0415 - each command loads only its own

    process.run(_settings(WorkerSettings))


@main.command()
def migrate() -> None:
    """Bring the ledger's database to this version."""
    from mailer_service.processes import migrate as process  # noqa: PLC0415

    process.run(_settings(MigrationSettings))


@main.command()
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), required=True)
def keys(directory: Path) -> None:
    """Make the keys that letters are sealed with, where they are missing."""
    from mailer_service.processes import keys as process  # noqa: PLC0415

    try:
        for path in process.run(directory):
            click.echo(f"wrote {path}")
    except OSError as error:
        raise click.ClickException(str(error)) from error


@main.command()
def flower() -> None:
    """Show replicas and tasks on a page."""
    from mailer_service.processes import flower as process  # noqa: PLC0415

    process.run(_settings(FlowerSettings))


def _settings(cls: type[S]) -> S:
    try:
        settings = load(cls)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_SETTINGS)
    configure_logging(service="mailer-service", format=settings.log_format, level=settings.log_level)
    return settings

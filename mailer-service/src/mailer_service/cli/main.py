"""The command line `mailer-service`; each command loads only what it needs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from mailer_service.cli.start import BAD_SETTINGS, settings_of
from mailer_service.errors import BrokenTemplates
from mailer_service.letter_settings import DkimSettings
from mailer_service.settings import FlowerSettings, MigrationSettings, WorkerSettings
from service_runtime.errors import AddressTaken


class LazyGroup(click.Group):
    """A group some of whose commands are in modules of their own, imported only when asked for: all together take seconds.

    Args:
        elsewhere: from a command's name to the module that holds it under the same name.
    """

    def __init__(self, *args: Any, elsewhere: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return sorted({*super().list_commands(ctx), *self._elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command if need be."""
        if cmd_name not in self._elsewhere:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(self._elsewhere[cmd_name]), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a mistake of this program
        return command


@click.group(
    cls=LazyGroup,
    elsewhere={
        "audit": "mailer_service.cli.audit",
        "dead": "mailer_service.cli.dead",
        "explain": "mailer_service.cli.explain",
        "holds": "mailer_service.cli.holds",
        "letters": "mailer_service.cli.letters",
        "providers": "mailer_service.cli.providers",
        "suppressions": "mailer_service.cli.suppressions",
        "waiting": "mailer_service.cli.waiting",
    },
)
def main() -> None:
    """Postern's mailer: takes sealed letters from the broker and sends them, once each."""


@main.command()
def worker() -> None:
    """Deliver letters until told to stop."""
    settings = settings_of(WorkerSettings)
    from mailer_service.cli import worker as process  # noqa: PLC0415

    try:
        process.run(settings)
    except (AddressTaken, BrokenTemplates) as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_SETTINGS)


@main.command()
def alive() -> None:
    """Ask the worker at MAILER_LISTEN whether it is stuck: exit code 0 if it works, 1 if not."""
    from mailer_service.cli import alive as process  # noqa: PLC0415

    process.main()


@main.command()
def migrate() -> None:
    """Bring the ledger's database to this version."""
    from mailer_service.db.migrate import migrate as apply  # noqa: PLC0415

    apply(settings_of(MigrationSettings).migration_database_url.get_secret_value())


@main.command()
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--dkim", is_flag=True, help="Also those that letters are signed with.")
def keys(directory: Path, *, dkim: bool) -> None:
    """Make the keys that letters are sealed with, where they are missing."""
    from mailer_service.cli import keys as process  # noqa: PLC0415

    try:
        for path in (*process.run(directory), *(process.make_dkim_keys(directory) if dkim else ())):
            click.echo(f"wrote {path}")
    except OSError as error:
        raise click.ClickException(str(error)) from error


@main.command("rotate-sealing-key")
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--restarted", is_flag=True, help="The processes that the last step named were all started anew since."
)
def rotate_sealing_key(directory: Path, *, restarted: bool) -> None:
    """Replace the key that letters are sealed with, in three steps: make the next, use it, destroy the old one.

    Each run takes one step and says what to do until the next. Exit code 1, and nothing is changed, if it is too early or nobody
    said that the processes were started anew.
    """
    from mailer_service.cli import rotate  # noqa: PLC0415

    sys.exit(rotate.run(directory, restarted=restarted))


@main.command("dkim-records")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def dkim_records(*, as_json: bool) -> None:
    """Print the DNS records that let readers verify the letters' signatures."""
    from mailer_service.cli import keys as process  # noqa: PLC0415

    settings = settings_of(DkimSettings)
    click.echo(process.dkim_records_as_json(settings) if as_json else process.dkim_records(settings))


@main.command()
def flower() -> None:
    """Show replicas and tasks on a page."""
    from mailer_service.cli import flower as process  # noqa: PLC0415

    process.run(settings_of(FlowerSettings))

"""The command line of `auth-service accounts`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from auth_service.processes.operating import operator_name


@click.group()
def accounts() -> None:
    """Look at people's accounts, change and import them: see docs/operate-accounts.md."""


_by = click.option(
    "--by", callback=operator_name, help="Your name, for the audit; the user's on this machine if not given."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@accounts.command("import")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_by
@click.option("--dry-run", is_flag=True, help="Only look at every line; nothing is written.")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Add refused lines to this file, too: their numbers and reasons as JSON lines.",
)
@_as_json
def import_command(**wish: Any) -> None:
    """Import accounts from FILE, JSON lines or a CSV.

    Each has `email`, `password_hash` as Django, passlib or Keycloak write it (empty for nobody's), `verified`, and perhaps
    `locale` and `created_at`. Run it again with the same file to go on where it stopped. Refused lines are named on standard
    error. Exit code 0 when all is imported, 3 if lines were refused, 1 if it could not go on, 128 and the signal's number if it
    was asked to stop before the end.
    """
    from auth_service.processes import accounts_import as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.run(process.Wish(**wish)))

"""The command line of `auth-service accounts`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from auth_service.cli.operating import Whom
from auth_service.domain.address import Address
from service_runtime.command_line import actor_option


@click.group()
def accounts() -> None:
    """Look at people's accounts, change and import them: see docs/operate-accounts.md."""


_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


_whom = click.argument("about", metavar="ADDRESS|ID", type=Whom())


@accounts.command()
@_whom
@_as_json
def find(*, about: Address | UUID, as_json: bool) -> None:
    """List the account of an address, its registrations, and accounts that have, had or want it.

    Exit code 1 if there is nothing.
    """
    from auth_service.cli import accounts as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.find(about, as_json=as_json))


@accounts.command()
@_whom
@_as_json
def show(*, about: Address | UUID, as_json: bool) -> None:
    """Tell how an account is: its state, sessions, changes of address and newest letters.

    Exit code 1 if there is nothing.
    """
    from auth_service.cli import accounts as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.show(about, as_json=as_json))


@accounts.command()
@_whom
@actor_option
@click.option("--json", "as_json", is_flag=True, help="It is JSON anyway.")
def export(*, about: Address | UUID, actor: str, as_json: bool) -> None:
    """Print all that auth-service keeps of a person, by table, as JSON; no secret and no hash of one.

    That it was exported is written into the audit. Exit code 1 if there is nothing.
    """
    from auth_service.cli import accounts as process  # noqa: PLC0415 - each command loads only its own

    del as_json
    sys.exit(process.export(about, by=actor))


def _changing(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb its argument and options."""
    for part in (_as_json, actor_option, _whom):
        command = part(command)
    return command


@accounts.command()
@_changing
def verify(**how: Any) -> None:
    """Make a pending registration an account, on your word that its person reads the mailbox.

    With an address the account has no password until its person chooses one by "forgot password": whoever registered may have
    been somebody else. With the id of a registration (see `find`) you vouch for that, too, and its password stands.
    """
    _change("verify", **how)


@accounts.command()
@_changing
def disable(**how: Any) -> None:
    """Shut an account: everybody is signed out, nobody signs in, and its person gets an email."""
    _change("disable", **how)


@accounts.command()
@_changing
def enable(**how: Any) -> None:
    """Open an account that was disabled."""
    _change("enable", **how)


@accounts.command("sign-out")
@_changing
def sign_out(**how: Any) -> None:
    """End all sessions of an account."""
    _change("sign-out", **how)


@accounts.command()
@_changing
@click.option("--yes", is_flag=True, help="Don't ask first.")
def delete(*, yes: bool, **how: Any) -> None:
    """Delete an account and all that leads to its person, who gets a last email.

    The audit keeps the account's id, which says nothing of them. This can't be taken back.
    """
    if not yes:
        click.confirm("Delete this account for good?", abort=True, err=True)
    _change("delete", **how)


def _change(verb: str, *, actor: str, **how: Any) -> None:
    from auth_service.cli import accounts as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.change(process.Verb(verb), by=actor, **how))


@accounts.command("import")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@actor_option
@click.option("--dry-run", is_flag=True, help="Only look at every line; nothing is written.")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Add refused lines to this file, too: their numbers and reasons as JSON lines.",
)
@_as_json
def import_command(*, actor: str, **wish: Any) -> None:
    """Import accounts from FILE, JSON lines or a CSV.

    Each has `email`, `password_hash` as Django, passlib or Keycloak write it (empty for nobody's), `verified`, and perhaps
    `locale` and `created_at`. Run it again with the same file to go on where it stopped. Refused lines are named on standard
    error. Exit code 0 when all is imported, 3 if lines were refused, 1 if it could not go on, 128 and the signal's number if it
    was asked to stop before the end.
    """
    from auth_service.cli import accounts_import as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.run(process.Wish(by=actor, **wish)))

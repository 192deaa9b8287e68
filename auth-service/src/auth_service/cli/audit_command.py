"""The command line of `auth-service audit`."""

from __future__ import annotations

import sys
from uuid import UUID

import click

from auth_service.cli.operating import Whom
from auth_service.domain.address import Address

_NEWEST = 200


@click.command()
@click.argument("about", metavar="ADDRESS|ID", type=Whom())
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=_NEWEST,
    show_default=True,
    help="The newest, at most so many.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def audit(*, about: Address | UUID, limit: int, as_json: bool) -> None:
    """Tell who did what to an account: when, and whether it was granted, the newest last.

    Takes an address, or the id of an account that may be gone. Shows no address and no secret. Exit code 1 if nothing is
    written down.
    """
    from auth_service.cli import audit as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.run(about, limit=limit, as_json=as_json))

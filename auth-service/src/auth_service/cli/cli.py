"""The command `auth-service`: one subcommand a process. Exit code 2: the configuration is missing or wrong, and named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

import click

from auth_service.cli.accounts_commands import accounts
from auth_service.cli.audit_command import audit
from auth_service.cli.held_commands import held
from auth_service.cli.keys_commands import keys
from service_runtime.command_line import actor_option
from service_runtime.errors import AddressTaken, SettingsError

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
    import_module(f"auth_service.cli.{name}").run()


@click.group()
def commands() -> None:
    """The account gate: registrations, verifications, receipts. Configured by AUTH_… and POSTERN_… variables."""


for _name, _help in PROCESSES.items():
    commands.add_command(click.Command(_name, callback=partial(_run, _name), help=_help))

commands.add_command(held)
commands.add_command(audit)
commands.add_command(accounts)
commands.add_command(keys)


@commands.command()
@click.argument("name")
@click.option("--url", help="Where the new terms are to be read.")
@click.option("--applies-on", type=click.DateTime(["%Y-%m-%d"]), help="The day from which they apply.")
@click.option("--dry-run", is_flag=True, help="Only count who would get a letter.")
@click.option(
    "--limit", type=click.IntRange(min=1), help="Letters at most in this run; the next one goes on."
)
@click.option(
    "--batch", type=click.IntRange(1, 5000), default=500, show_default=True, help="Letters a transaction."
)
@click.option(
    "--most-pending",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="Wait while so many bulk letters are in the outbox.",
)
@actor_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def announce(
    *,
    name: str,
    url: str | None,
    applies_on: datetime | None,
    as_json: bool,
    actor: str,
    **how: Any,
) -> None:
    """Tell everybody with a verified address that the terms change, in a bulk letter.

    NAME is the announcement's: the same name goes on where an earlier run stopped, wherever that was, and then needs
    no other option. Exit code 0 when everybody has a letter or the limit is reached, 1 if it could not go on, 128 and the
    signal's number if it was asked to stop before the end.
    """
    from auth_service.cli import announce as process  # noqa: PLC0415 - each command loads only its own
    from mail_contract.letters import TermsChanged  # noqa: PLC0415

    if (url is None) != (applies_on is None):
        raise click.UsageError("--url and --applies-on belong together")
    if not 1 <= len(name) <= 64:
        raise click.UsageError("NAME has 1 to 64 characters")
    terms = None
    if url is not None and applies_on is not None:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise click.UsageError("--url is an http(s) address")
        terms = TermsChanged(url=url, applies_on=applies_on.date().isoformat())
    sys.exit(process.run(process.Wish(name=name, context=terms, as_json=as_json, by=actor, **how)))


@commands.command(context_settings={"ignore_unknown_options": True})  # one receipt in 64 begins with a dash
@click.argument("about", metavar="ADDRESS|RECEIPT")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def explain(*, about: str, as_json: bool) -> None:
    """Tell what became of somebody's letters, from the request to the click, as one timeline.

    Takes an address, a receipt, or a letter's id from a log. Shows no link, code or address. Exit code 1 if nothing is
    known of it.
    """
    from auth_service.cli import explain as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.run(about, as_json=as_json))


@commands.command()
@click.option(
    "--within",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="Seconds until the email should be sent.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def probe(*, within: float, as_json: bool) -> None:
    """Sign up as a person does, and wait until a mail server has the email.

    With an address of its own (AUTH_PROBE_ADDRESS); what it registered is deleted again. Exit code 0 if the email was sent in
    time, 1 if not.
    """
    from auth_service.cli import probe as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.run(within=within, as_json=as_json))


@commands.group()
def refusals() -> None:
    """Mailboxes whose readers said "this wasn't me" and get no letters of registration for 30 days."""


@refusals.command()
@click.argument("address")
@actor_option
def lift(*, address: str, actor: str) -> None:
    """Let the mailbox of ADDRESS have letters of registration again.

    The registration that was refused stays ended. Exit code 1 if the mailbox had not refused any.
    """
    from auth_service.cli import refusals as process  # noqa: PLC0415 - each command loads only its own

    sys.exit(process.lift(address, by=actor))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line: these arguments, or the process's own."""
    try:
        commands(arguments)
    except (AddressTaken, SettingsError) as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG_SETTINGS)

"""`auth-service refusals lift`: a mailbox that refused letters of registration gets them again."""

from __future__ import annotations

import sys
from typing import Final

import click

from auth_service.cli.operating import transactions_on
from auth_service.cli.starting import start
from auth_service.domain.address import parse_address
from auth_service.errors import DatabaseUnavailable, InvalidAddress
from auth_service.flows.refuse_registration import RefuseRegistration
from auth_service.settings import RefusalsSettings

NOTHING_DONE: Final = 1


def lift(address: str, *, by: str) -> int:
    """Lifts the refusal of an address's mailbox; returns the exit code."""
    settings = start("auth-refusals", RefusalsSettings, log_to=sys.stderr)
    with transactions_on(settings.database_url, application="auth-refusals") as transactions:
        refusal = RefuseRegistration(transactions=transactions, keyed_hash=settings.keyed_hash())
        try:
            lifted = refusal.lift_for(parse_address(address), by=by)
        except (InvalidAddress, DatabaseUnavailable) as error:
            click.echo(str(error), err=True)
            return NOTHING_DONE
    if not lifted:
        click.echo("This mailbox has not refused letters of registration.", err=True)
        return NOTHING_DONE
    click.echo("This mailbox gets letters of registration again.")
    return 0

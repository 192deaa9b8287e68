"""`auth-service refusals lift`: a mailbox that refused letters of registration gets them again."""

from __future__ import annotations

import sys
from typing import Final

import click

from auth_service.domain.address import parse_address
from auth_service.errors import DatabaseUnavailable, InvalidAddress
from auth_service.flows.refuse_registration import RefuseRegistration
from auth_service.processes.starting import start
from auth_service.settings import RefusalsSettings
from auth_service.store.transactions import Transactions
from service_runtime.database.engine import build_engine, build_sessions

NOTHING_DONE: Final = 1


def lift(address: str) -> int:
    """Lifts the refusal of an address's mailbox; returns the exit code."""
    settings = start("auth-refusals", RefusalsSettings, log_to=sys.stderr)
    engine = build_engine(
        settings.database_url.get_secret_value(), application="auth-refusals", connections=1, overflow=0
    )
    refusal = RefuseRegistration(
        transactions=Transactions(build_sessions(engine)), keyed_hash=settings.keyed_hash()
    )
    try:
        lifted = refusal.lift_for(parse_address(address))
    except (InvalidAddress, DatabaseUnavailable) as error:
        click.echo(str(error), err=True)
        return NOTHING_DONE
    finally:
        engine.dispose()
    if not lifted:
        click.echo("This mailbox has not refused letters of registration.", err=True)
        return NOTHING_DONE
    click.echo("This mailbox gets letters of registration again.")
    return 0

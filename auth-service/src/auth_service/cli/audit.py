"""`auth-service audit`: what was done to an account, by whom, for a person or a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import click

from auth_service.cli.operating import iso, stamp, transactions_on
from auth_service.cli.starting import start
from auth_service.domain.address import Address
from auth_service.domain.audit import AuditRecord
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.read_audit import ReadAudit
from auth_service.settings import AuditSettings

UNKNOWN: Final = 1


def run(about: Address | UUID, *, limit: int, as_json: bool) -> int:
    """Tells it; returns the exit code."""
    settings = start("auth-audit", AuditSettings, log_to=sys.stderr)
    with transactions_on(settings.database_url, application="auth-audit") as transactions:
        try:
            records = ReadAudit(transactions=transactions, keyed_hash=settings.keyed_hash())(
                about, limit=limit
            )
        except DatabaseUnavailable as error:
            click.echo(str(error), err=True)
            return UNKNOWN
    if as_json:
        click.echo(json.dumps({"records": [_data(record) for record in records]}, indent=2))
    elif records:
        click.echo("\n".join(_text(records)))
    if not records:
        click.echo("Nothing is written down of this account.", err=True)
        return UNKNOWN
    return 0


def _data(record: AuditRecord) -> dict[str, Any]:
    return {
        "at": iso(record.at),
        "actor": record.actor,
        "action": record.action,
        "target": record.target,
        "result": record.result.value,
        "detail": dict(record.detail),
    }


def _text(records: Sequence[AuditRecord]) -> Iterator[str]:
    for record in records:
        rest = ", ".join(f"{name} {value}" for name, value in record.detail.items())
        yield (
            f"{stamp(record.at)}  {record.actor}  {record.action}  {record.target}  {record.result}"
            f"{f'  ({rest})' if rest else ''}"
        )

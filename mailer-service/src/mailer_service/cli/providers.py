"""`mailer-service providers`: how the mail servers stand with all replicas."""

from __future__ import annotations

import click

from mailer_service.cli.start import settings_of
from mailer_service.cli.text import columns, harmless, iso, json_line, stamp
from mailer_service.db.holds import PROVIDERS, HoldKind
from mailer_service.errors import LedgerUnavailable
from mailer_service.providers.holds import HoldStore
from mailer_service.settings import LedgerSettings
from service_runtime.database.engine import build_engine, translated

_HEAD = ("provider", "state", "reason", "tries", "next try", "connections", "rate")


@click.group()
def providers() -> None:
    """Look at mail servers. To let none of the letters go to one: `holds add --provider HOST:PORT`."""


@providers.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(*, as_json: bool) -> None:
    """Show each provider that mailers have used: up, given up or held, and which part of its budgets may be used."""
    settings = settings_of(LedgerSettings)
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application="mailer-providers",
        connections=1,
        autocommit=True,
    )
    try:
        held = {hold.target: hold for hold in HoldStore(engine).look() if hold.kind is HoldKind.PROVIDER}
        with translated(LedgerUnavailable), engine.connect() as connection:
            rows = connection.execute(PROVIDERS).all()
    except LedgerUnavailable as error:
        raise click.ClickException(str(error)) from None
    finally:
        engine.dispose()
    found = [
        {
            "provider": row.name,
            "state": "held" if row.name in held else "given_up" if row.reason else "up",
            "reason": held[row.name].reason if row.name in held else row.reason,
            "tries": row.openings,
            "next_try_at": iso(row.probe_at) if row.reason else None,
            "connections": round(row.width, 3),
            "rate": round(row.speed, 3),
        }
        for row in rows
    ]
    if as_json:
        click.echo(json_line({"providers": found}))
        return
    table = [
        (
            harmless(one["provider"]),
            one["state"].replace("_", " "),
            harmless(one["reason"] or "-"),
            str(one["tries"]),
            stamp(row.probe_at) if row.reason else "-",
            f"{one['connections']:.0%}",
            f"{one['rate']:.0%}",
        )
        for one, row in zip(found, rows, strict=True)
    ]
    click.echo("\n".join(columns([_HEAD, *table])) if table else "no mailer has used one yet")

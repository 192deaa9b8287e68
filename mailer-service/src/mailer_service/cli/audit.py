"""`mailer-service audit`: what operators' commands changed, by whom and when."""

from __future__ import annotations

import click

from mailer_service.cli.start import settings_of
from mailer_service.cli.text import harmless, iso, json_line, stamp
from mailer_service.db.operator_statements import NOTES
from mailer_service.errors import LedgerUnavailable
from mailer_service.settings import LedgerSettings
from service_runtime.database.engine import build_engine, translated

_NEWEST = 200


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=_NEWEST, show_default=True, help="The newest.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def audit(*, limit: int, as_json: bool) -> None:
    """Tell what commands changed letters, holds and providers, the newest last.

    What was done with one letter tells `explain`; with suppressions, `suppressions log`.
    """
    settings = settings_of(LedgerSettings)
    engine = build_engine(
        settings.database_url.get_secret_value(), application="mailer-audit", connections=1, autocommit=True
    )
    try:
        with translated(LedgerUnavailable), engine.connect() as connection:
            rows = connection.execute(NOTES, {"at_most": limit}).all()[::-1]
    except LedgerUnavailable as error:
        raise click.ClickException(str(error)) from None
    finally:
        engine.dispose()
    if as_json:
        acts = [
            {"at": iso(row.at), "actor": row.actor, "action": row.action, "detail": row.detail}
            for row in rows
        ]
        click.echo(json_line({"actions": acts}))
        return
    for row in rows:
        click.echo(f"{stamp(row.at)}  {harmless(row.actor)}  {row.action}  {harmless(json_line(row.detail))}")

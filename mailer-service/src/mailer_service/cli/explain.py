"""`mailer-service explain`: one letter's life, from what the ledger and the dead letters have of it."""

from __future__ import annotations

import sys
from uuid import UUID

import click
from sqlalchemy import Engine

from mailer_service.cli.dead_list import each_data
from mailer_service.cli.letter_records import record_data, record_text
from mailer_service.cli.start import settings_of
from mailer_service.cli.text import harmless, json_line, stamp
from mailer_service.db.tables import NEVER_AMONG_THE_DEAD, LetterState
from mailer_service.deadletters.info import LetterInfo
from mailer_service.deadletters.selection import Selection
from mailer_service.deadletters.session import session_at
from mailer_service.errors import BrokerLost, BrokerRefuses, LedgerUnavailable
from mailer_service.history import Archive, LetterRecord
from mailer_service.settings import ExplainSettings
from service_runtime.database.engine import build_engine

_UNKNOWN = 1
_CONNECTIONS = 2


@click.command()
@click.argument("letter_id", type=click.UUID, metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def explain(*, letter_id: UUID, as_json: bool) -> None:
    """Tell what became of the letter of that id, from its first arrival to now.

    Reads MAILER_DATABASE_URL, and MAILER_BROKER_URL (as the user operator) to say whether it lies in the dead letters. Exit
    code 1 for a letter that nobody knows.
    """
    sys.exit(run(settings_of(ExplainSettings, log_to=sys.stderr), letter_id, as_json=as_json))


def run(settings: ExplainSettings, letter_id: UUID, *, as_json: bool) -> int:
    """Prints the letter's life; returns the exit code."""
    engine = build_engine(
        settings.database_url.get_secret_value(),
        application="mailer-explain",
        connections=_CONNECTIONS,
        autocommit=True,
    )
    try:
        record = Archive(engine).find([letter_id]).get(letter_id)
        lying = _among_the_dead(settings, engine, letter_id, record)
    except LedgerUnavailable as error:
        raise click.ClickException(str(error)) from error
    finally:
        engine.dispose()
    if record is None and not lying:
        click.echo(f"no letter {letter_id} is known here", err=True)
        return _UNKNOWN
    if as_json:
        life = record_data(record) if record else {"id": str(letter_id), "state": None, "timeline": []}
        dead = None if lying is None else [each_data(info) for info in lying]
        click.echo(json_line({**life, "dead_letters": dead}))
        return 0
    click.echo(f"letter {letter_id}")
    for line in record_text(record) if record else ("the ledger does not know it",):
        click.echo(line)
    for info in lying or ():
        click.echo(
            f"{stamp(info.died_at)}  lies in the dead letters: {harmless(info.reason)};"
            f" mailer-service dead show {info.id}"
        )
    if record is not None and record.state in {LetterState.DEAD, LetterState.UNCONFIRMED} and lying == []:
        click.echo("it no longer lies in the dead letters: it was dropped, or taken out by hand")
    return 0


def _among_the_dead(
    settings: ExplainSettings, engine: Engine, letter_id: UUID, record: LetterRecord | None
) -> list[LetterInfo] | None:
    """Returns those messages of the letter that are dead; None if nobody looked."""
    if settings.broker_url is None or (record is not None and record.state in NEVER_AMONG_THE_DEAD):
        return None
    try:
        with session_at(
            broker_url=settings.broker_url.get_secret_value(),
            engine=engine,
            keys=None,
            actor="",
            on_wait=lambda: click.echo("somebody is at work on the dead letters; waiting", err=True),
        ) as session:
            return list(session.look(Selection(ids=(str(letter_id),))))
    except (BrokerLost, BrokerRefuses) as error:
        click.echo(f"nobody looked into the dead letters: {error}", err=True)
        return None

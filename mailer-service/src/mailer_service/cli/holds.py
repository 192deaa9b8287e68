"""`mailer-service holds`: letters that an operator keeps waiting, by class, provider or domain."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from sqlalchemy import Engine

from mail_contract.letters import LetterClass
from mailer_service.cli import dead_letters as process
from mailer_service.cli.selecting import domain_key
from mailer_service.cli.start import settings_of
from mailer_service.cli.text import columns, harmless, json_line, stamp
from mailer_service.db.holds import HoldKind
from mailer_service.db.operator_statements import NOTE
from mailer_service.deadletters.selection import Selection
from mailer_service.errors import MailerError
from mailer_service.providers.holds import HELD, Hold, HoldStore
from mailer_service.settings import OperatorSettings
from mailer_service.suppression.recipient_hashes import TAG_DIGITS
from service_runtime.command_line import Age, actor_option
from service_runtime.database.engine import build_engine

_KNOWN_BY_ALL_SECONDS = 2.5
"""Every replica looks once a second; one that does not know of a release yet would let a letter wait again."""
_REASON_AT_MOST = 100
_HEAD = ("kind", "what", "since", "until", "by", "reason")

_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def _targets(command: Any) -> Any:
    for option in (
        click.option(
            "--domain",
            "domains",
            multiple=True,
            help="Letters to recipients in this domain, or its tag as listed.",
        ),
        click.option(
            "--provider", "providers", multiple=True, metavar="HOST:PORT", help="Letters by this provider."
        ),
        click.option(
            "--class",
            "classes",
            multiple=True,
            type=click.Choice([each.value for each in LetterClass]),
            help="Letters of this class.",
        ),
    ):
        command = option(command)
    return command


@click.group()
def holds() -> None:
    """Keep letters waiting on purpose, by class, provider or recipient's domain; every replica knows within two seconds.

    Reads MAILER_DATABASE_URL and MAILER_BROKER_URL (as the user operator), and MAILER_HASH_KEY for the names of domains.
    """


@holds.command(name="list")
@_as_json
def list_(*, as_json: bool) -> None:
    """Show what is held, by whom, why and until when. Held letters: `waiting list --reason held`."""
    with _store(_settings()) as (store, _):
        found = store.look()
    if as_json:
        click.echo(json_line({"holds": [{**asdict(hold), "target": _shown(hold)} for hold in found]}))
        return
    rows = [
        (
            hold.kind.value,
            harmless(_shown(hold), at_most=60),
            stamp(hold.since),
            stamp(hold.expires_at) if hold.expires_at else "released",
            harmless(hold.actor, at_most=64),
            harmless(hold.reason),
        )
        for hold in found
    ]
    click.echo("\n".join(columns([_HEAD, *rows])) if rows else "nothing is held")


@holds.command()
@_targets
@click.option("--reason", required=True, help="Why, for whoever finds it: up to 100 characters, no address.")
@click.option(
    "--for", "lifetime", type=Age(), help="For how long: 30m, 2h, 1d; until it is released if not given."
)
@actor_option
@_as_json
def add(
    *,
    classes: Sequence[str],
    providers: Sequence[str],
    domains: Sequence[str],
    reason: str,
    lifetime: timedelta | None,
    actor: str,
    as_json: bool,
) -> None:
    """Keep letters waiting from now on; what is in hand at a mail server is not called back."""
    if "@" in reason or not reason.isprintable() or not 0 < len(reason) <= _REASON_AT_MOST:
        raise click.BadParameter(
            f"must be up to {_REASON_AT_MOST} printable characters without an address", param_hint="--reason"
        )
    settings = _settings()
    with _store(settings) as (store, engine):
        chosen = _chosen(settings, store, classes, providers, domains)
        for kind, target in chosen:
            store.add(kind, target, reason=reason, actor=actor, lifetime=lifetime)
        _note(engine, actor, "holds add", chosen, reason=reason)
    click.echo(json_line({"held": len(chosen)}) if as_json else f"{len(chosen)} held")


@holds.command()
@_targets
@actor_option
@_as_json
def release(
    *,
    classes: Sequence[str],
    providers: Sequence[str],
    domains: Sequence[str],
    actor: str,
    as_json: bool,
) -> None:
    """End holds, and let their letters go back to work at once. Exit code 1 if one of them was not held."""
    settings = _settings()
    with _store(settings) as (store, engine):
        chosen = _chosen(settings, store, classes, providers, domains)
        gone = [store.release(kind, target) for kind, target in chosen]
        _note(engine, actor, "holds release", chosen)
    missing = gone.count(False)
    if missing:
        click.echo(f"{missing} not held", err=True)
    if any(gone):
        time.sleep(_KNOWN_BY_ALL_SECONDS)
        reasons = frozenset({HELD})
        # What waits for a provider does not say so: all that is held is looked at again.
        by_provider = any(kind is HoldKind.PROVIDER for kind, _ in chosen)
        selections = (
            [Selection(reasons=reasons)]
            if by_provider
            else [
                Selection(reasons=reasons, classes=frozenset({target}))
                if kind is HoldKind.CLASS
                else Selection(reasons=reasons, domains=frozenset({target[:TAG_DIGITS]}))
                for kind, target in chosen
            ]
        )
        for selection in selections:
            process.hurry_waiting(settings, selection, dry_run=False, actor=actor, as_json=as_json)
    sys.exit(1 if missing else 0)


def _chosen(
    settings: OperatorSettings,
    store: HoldStore,
    classes: Sequence[str],
    providers: Sequence[str],
    domains: Sequence[str],
) -> list[tuple[HoldKind, str]]:
    known = {_shown(hold): hold.target for hold in store.look() if hold.kind is HoldKind.DOMAIN}
    found = [
        *((HoldKind.CLASS, name) for name in classes),
        *((HoldKind.PROVIDER, name) for name in providers),
        *(
            (HoldKind.DOMAIN, known[name] if name in known else domain_key(name, settings.hash_key).hex())
            for name in domains
        ),
    ]
    if not found:
        raise click.UsageError("say what: --class, --provider or --domain")
    return found


def _shown(hold: Hold) -> str:
    return hold.target[:TAG_DIGITS] if hold.kind is HoldKind.DOMAIN else hold.target


def _note(
    engine: Engine, actor: str, action: str, chosen: Sequence[tuple[HoldKind, str]], **more: str
) -> None:
    about = [
        f"{kind} {target[:TAG_DIGITS] if kind is HoldKind.DOMAIN else target}" for kind, target in chosen
    ]
    with engine.connect() as connection:
        connection.execute(
            NOTE, {"actor": actor, "action": action, "detail": json_line({"about": about, **more})}
        )


def _settings() -> OperatorSettings:
    return settings_of(OperatorSettings, log_to=sys.stderr)


@contextmanager
def _store(settings: OperatorSettings) -> Iterator[tuple[HoldStore, Engine]]:
    engine = build_engine(
        settings.database_url.get_secret_value(), application="mailer-holds", connections=1, autocommit=True
    )
    try:
        yield HoldStore(engine), engine
    except MailerError as error:
        raise click.ClickException(str(error)) from None
    finally:
        engine.dispose()

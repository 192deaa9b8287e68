"""`mailer-service suppressions`: who gets no letters. Addresses go in and never come out: what is shown is a tag."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TypeAlias

import click

from mailer_service.cli.start import settings_of
from mailer_service.db.tables import Scope
from mailer_service.errors import AddressNotSupported, LedgerUnavailable
from mailer_service.settings import SuppressionSettings
from mailer_service.suppression.recipient_hashes import TAG_DIGITS, RecipientHasher
from mailer_service.suppression.store import NewSuppression, Suppression, SuppressionStore
from service_runtime.command_line import actor_option
from service_runtime.database.engine import build_engine

Target: TypeAlias = tuple[Scope, bytes]

_who = click.argument("who", nargs=-1, metavar="[ADDRESS|DOMAIN]...")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_NEWEST = 200


@click.group()
def suppressions() -> None:
    """Who gets no letters: recipients and domains, shown by tags only.

    WHO is an address or a domain. Without any, add and remove read them from standard input, one a line, where other
    users of the machine cannot see them.
    """


@suppressions.command("list")
@_who
@_as_json
def show(who: Sequence[str], *, as_json: bool) -> None:
    """Show all, or those that concern WHO."""
    with _opened() as (store, hasher):
        found = store.listing(*(key for target in who for key in _concerning(hasher, target)))
    _print(found, as_json=as_json)


@suppressions.command()
@_who
@click.option("--reason", default="by hand", show_default=True, help="Up to 100 characters, no address.")
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), help="For how long; for ever if not given."
)
@actor_option
@_as_json
def add(who: Sequence[str], *, reason: str, days: float | None, actor: str, as_json: bool) -> None:
    """Keep letters from WHO, starting now."""
    if "@" in reason or not reason.isprintable() or not 0 < len(reason) <= 100:
        raise click.BadParameter(
            "must be up to 100 printable characters without an address", param_hint="--reason"
        )
    lifetime = None if days is None else timedelta(days=days)
    with _opened(actor) as (store, hasher):
        targets = _targets(hasher, _given(who))
        added = [
            store.add(NewSuppression(key=key, scope=scope, reason=reason, lifetime=lifetime))
            for scope, key in targets
        ]
    _print(added, as_json=as_json)


@suppressions.command()
@_who
@click.option("--tag", "tags", multiple=True, help="As shown by list, instead of WHO; its beginning will do.")
@click.option(
    "--reason", help="All with this reason, instead of WHO: a server may have been wrong for an hour."
)
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="With --reason: only the newest.")
@actor_option
@_as_json
def remove(
    who: Sequence[str],
    *,
    tags: Sequence[str],
    reason: str | None,
    hours: float | None,
    actor: str,
    as_json: bool,
) -> None:
    """Let letters go to WHO again. Exit code 1 if one of them was not suppressed."""
    if hours is not None and reason is None:
        raise click.UsageError("--hours goes with --reason.")
    with _opened(actor) as (store, hasher):
        given = [] if (tags or reason) and not who else _given(who)
        gone = [int(store.remove(key)) for _, key in _targets(hasher, given)]
        gone += [_remove_tagged(store, tag) for tag in tags]
        if reason is not None:
            gone.append(store.remove_for(reason, age=None if hours is None else timedelta(hours=hours)))
        still = sum(bool(store.listing(*_concerning(hasher, target))) for target in given)
    removed, missing = sum(gone), gone.count(0)
    if as_json:
        click.echo(json.dumps({"removed": removed, "missing": missing, "domain_suppressed": still}))
    else:
        click.echo(f"{removed} removed")
        if missing:
            click.echo(f"{missing} not found", err=True)
        if still:
            click.echo(f"{still} still without letters, because the whole domain is suppressed", err=True)
    if missing:
        sys.exit(1)


@suppressions.command()
@_who
@click.option("--limit", type=click.IntRange(min=1), default=_NEWEST, show_default=True, help="The newest.")
@_as_json
def log(who: Sequence[str], *, limit: int, as_json: bool) -> None:
    """Show what operators added and removed, of all or of WHO, the newest last."""
    with _opened() as (store, hasher):
        found = store.actions(*(key for target in who for key in _concerning(hasher, target)), limit=limit)
    if as_json:
        shown = [asdict(act) for act in found]
        click.echo(json.dumps({"actions": shown}, default=lambda at: at.isoformat()))
        return
    for act in found:
        click.echo(
            f"{act.at:%Y-%m-%d %H:%M:%S}  {act.actor}  {act.action}  {act.tag}  {act.scope}  {act.reason}"
        )


def _remove_tagged(store: SuppressionStore, tag: str) -> int:
    tag = tag.lower()
    if len(tag) < 4 or not set(tag) <= set("0123456789abcdef"):
        raise click.BadParameter(
            f"must be 4 or more of the {TAG_DIGITS} hexadecimal digits shown by list", param_hint="--tag"
        )
    found = store.remove_tagged(tag)
    if found > 1:
        raise click.ClickException(f"{found} suppressions begin with one of these tags; give more digits")
    return found


def _given(who: Sequence[str]) -> Sequence[str]:
    if who:
        return who
    if sys.stdin.isatty():
        raise click.UsageError("Name addresses or domains, or give them on standard input, one a line.")
    return [line.strip() for line in sys.stdin if line.strip()]


def _targets(hasher: RecipientHasher, given: Sequence[str]) -> list[Target]:
    return [_read(number, text, hasher.of_target) for number, text in enumerate(given, start=1)]


def _read(number: int, text: str, read: Callable[[str], Target]) -> Target:
    try:
        return read(text)
    except AddressNotSupported:
        raise click.ClickException(
            f"number {number} is neither an address nor a domain; nothing was done"
        ) from None


def _concerning(hasher: RecipientHasher, target: str) -> tuple[bytes, ...]:
    scope, key = _read(1, target, hasher.of_target)
    return (key,) if scope is Scope.DOMAIN else (key, hasher.hashes_of(target).domain)


def _print(found: Sequence[Suppression], *, as_json: bool) -> None:
    if as_json:
        shown = [{**asdict(entry), "holds": entry.holds} for entry in found]
        click.echo(json.dumps({"suppressions": shown}, default=lambda at: at.isoformat()))
        return
    if not found:
        click.echo("none")
        return
    click.echo(f"{'tag':<{TAG_DIGITS}}  {'scope':<9}  {'since':<16}  {'until':<16}  {'state':<8}  reason")
    for entry in found:
        until = f"{entry.expires_at:%Y-%m-%d %H:%M}" if entry.expires_at else "removed"
        state = "holds" if entry.holds else f"{entry.times} of {entry.needed}"
        click.echo(
            f"{entry.tag}  {entry.scope:<9}  {entry.since:%Y-%m-%d %H:%M}  {until:<16}  {state:<8}  {entry.reason}"
        )


@contextmanager
def _opened(actor: str = "") -> Iterator[tuple[SuppressionStore, RecipientHasher]]:
    settings = settings_of(SuppressionSettings)
    engine = build_engine(
        settings.database_url.get_secret_value(), application="suppressions", connections=1, autocommit=True
    )
    try:
        yield (
            SuppressionStore(engine, actor=actor),
            RecipientHasher(settings.hash_key.get_secret_value()),
        )
    except LedgerUnavailable as error:
        raise click.ClickException(str(error)) from None
    finally:
        engine.dispose()

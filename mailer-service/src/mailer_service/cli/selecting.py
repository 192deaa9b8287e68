"""Which letters a command is about: the same options for dead, waiting and held ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

import click
from pydantic import SecretStr

from mail_contract.letters import LetterClass
from mailer_service.deadletters.selection import Selection
from mailer_service.errors import AddressNotSupported
from mailer_service.suppression.recipient_hashes import TAG_DIGITS, RecipientHasher, tag_of
from service_runtime.command_line import Age

F = TypeVar("F", bound=Callable[..., Any])

_SHORTEST: Final = 6
"""Characters of an abbreviated id: fewer would soon be those of several letters."""
_TAG: Final = re.compile(f"[0-9a-f]{{{TAG_DIGITS}}}")


def long_enough(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Checks abbreviated ids."""
    for name in names:
        if len(name) < _SHORTEST:
            raise click.BadParameter(f"{name}: give at least {_SHORTEST} characters")
    return names


def selecting(command: F) -> F:
    """Gives a command the options that `selection_of` reads."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="No more than so many, the oldest first."),
        click.option(
            "--older", type=Age(), help="Dead, or on their way, for longer than that: 30s, 5m, 2h, 1d."
        ),
        click.option(
            "--domain",
            "domains",
            multiple=True,
            help="Only to recipients in this domain, or its tag; may be repeated. A name needs MAILER_HASH_KEY.",
        ),
        click.option(
            "--provider",
            "providers",
            multiple=True,
            metavar="HOST:PORT",
            help="Only those that were with this provider last; may be repeated.",
        ),
        click.option(
            "--class",
            "classes",
            multiple=True,
            type=click.Choice([*(each.value for each in LetterClass), "unknown"]),
            help="Only of this class; may be repeated.",
        ),
        click.option("--letter", "letters", multiple=True, help="Only of this letter; may be repeated."),
        click.option("--reason", "reasons", multiple=True, help="Only for this reason; may be repeated."),
        click.option(
            "--id",
            "ids",
            multiple=True,
            callback=long_enough,
            help="Only this one; may be repeated, may be abbreviated.",
        ),
    ):
        command = option(command)
    return command


def selection_of(
    *,
    ids: Sequence[str],
    reasons: Sequence[str],
    letters: Sequence[str],
    classes: Sequence[str],
    providers: Sequence[str],
    domains: Sequence[str],
    older: timedelta | None,
    limit: int | None,
    hash_key: SecretStr | None,
) -> Selection:
    """Returns what the options say; a domain's name becomes its tag by the mailer's hash key."""
    return Selection(
        ids=tuple(ids),
        reasons=frozenset(reasons),
        letters=frozenset(letters),
        classes=frozenset(classes),
        providers=frozenset(providers),
        domains=frozenset(domain_tag(domain, hash_key) for domain in domains),
        older=older,
        limit=limit,
    )


def domain_tag(domain: str, hash_key: SecretStr | None) -> str:
    """Returns a domain's tag, of its name or as it is; ends the command where that cannot be."""
    return tag_of(domain_key(domain, hash_key)) if "." in domain else _tag(domain)


def domain_key(domain: str, hash_key: SecretStr | None) -> bytes:
    """Returns a domain's keyed hash; ends the command where that cannot be."""
    if hash_key is None:
        raise click.UsageError("set MAILER_HASH_KEY, the worker's, to name a domain; or give its tag")
    try:
        return RecipientHasher(hash_key.get_secret_value()).of_domain(domain.removeprefix("@"))
    except AddressNotSupported:
        raise click.BadParameter(f"{domain} is no domain", param_hint="--domain") from None


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise click.BadParameter(
            f"must be a domain, or the {TAG_DIGITS} digits of its tag", param_hint="--domain"
        )
    return text

"""`auth-service held`: letters of registrations that are held before they are sent, for a person or a program."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from enum import StrEnum
from typing import Any, Final, assert_never

import click
import structlog

from auth_service.cli.operating import stamp, transactions_on
from auth_service.cli.starting import start
from auth_service.domain.hold import HeldLetter, Selection
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.end_holds import EndHolds
from auth_service.settings import HeldSettings

FAILED: Final = 1

log = structlog.get_logger(__name__)


class Verb(StrEnum):
    """What is to become of held letters."""

    RELEASE = "release"
    DROP = "drop"


_DONE: Final = {Verb.RELEASE: "released", Verb.DROP: "dropped"}


def show(selection: Selection, *, as_json: bool) -> int:
    """Lists the selected letters; returns the exit code."""
    with _holds("") as holds:
        try:
            letters, selected = holds.list(selection), holds.count(Selection())
        except DatabaseUnavailable as error:
            click.echo(str(error), err=True)
            return FAILED
    if as_json:
        click.echo(json.dumps({"held": selected, "letters": [_data(letter) for letter in letters]}, indent=2))
    else:
        click.echo("\n".join(_text(letters, selected)))
    return 0


def end(verb: Verb, selection: Selection, *, by: str, dry_run: bool, as_json: bool) -> int:
    """Releases or drops the selected letters; returns the exit code."""
    with _holds(by) as holds:
        try:
            letters = holds.count(selection) if dry_run else _end(holds, verb, selection)
        except DatabaseUnavailable as error:
            click.echo(f"{error} What was done is done; run the same again.", err=True)
            return FAILED
    if not dry_run:
        log.info(
            "held_letters_ended",
            action=verb.value,
            letters=letters,
            actor=by,
            older_than_seconds=selection.older_than and selection.older_than.total_seconds(),
            letter_class=selection.letter_class,
            limit=selection.most,
        )
    if as_json:
        click.echo(json.dumps({"action": verb.value, "dry_run": dry_run, "letters": letters}))
    elif dry_run:
        click.echo(f"{letters:,} would be {_DONE[verb]}. Nothing was changed.")
    else:
        click.echo(f"{letters:,} {_DONE[verb]}.")
    return 0


def _end(holds: EndHolds, verb: Verb, selection: Selection) -> int:
    match verb:
        case Verb.RELEASE:
            return holds.release(selection)
        case Verb.DROP:
            return holds.drop(selection)
        case _:
            assert_never(verb)


@contextmanager
def _holds(by: str) -> Iterator[EndHolds]:
    settings = start("auth-held", HeldSettings, log_to=sys.stderr)
    with transactions_on(settings.database_url, application="auth-held") as transactions:
        yield EndHolds(transactions=transactions, by=by)


def _data(letter: HeldLetter) -> dict[str, Any]:
    return {
        "id": str(letter.letter_id),
        "letter": letter.letter.value,
        "class": letter.letter_class.value,
        "reason": letter.reason.value,
        "held_since": letter.held_since.astimezone(UTC).isoformat(timespec="seconds"),
        "held_until": letter.held_until.astimezone(UTC).isoformat(timespec="seconds"),
    }


def _text(letters: Sequence[HeldLetter], all_held: int) -> Iterator[str]:
    for letter in letters:
        yield (
            f"{letter.letter_id}  {letter.letter}  {letter.letter_class}  {letter.reason}"
            f"  held {stamp(letter.held_since)} until {stamp(letter.held_until)}"
        )
    if letters:
        yield ""
    for (letter_class, reason), count in sorted(
        Counter((letter.letter_class.value, letter.reason.value) for letter in letters).items()
    ):
        yield f"{count:,} {letter_class}, {reason}"
    yield f"{all_held:,} held in all" if all_held else "Nothing is held."

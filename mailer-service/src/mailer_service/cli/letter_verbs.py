"""The verbs that dead and waiting letters have in common: list, show, drop."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from mailer_service.cli import dead_letters as process
from mailer_service.cli.selecting import long_enough, selecting, selection_of
from mailer_service.cli.start import settings_of
from mailer_service.deadletters.selection import Selection
from mailer_service.settings import OperatorSettings
from service_runtime.command_line import actor_option

as_json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
_SHOWN_AT_MOST: Final = 20


def settings_and_selection(selectors: dict[str, Any]) -> tuple[OperatorSettings, Selection]:
    """Returns the settings, and the selection that the options of a command make."""
    settings = settings_of(OperatorSettings, log_to=sys.stderr)
    return settings, selection_of(**selectors, hash_key=settings.hash_key)


def add_verbs(group: click.Group, place: process.Place) -> None:
    """Gives a group of commands those that look at the letters of a place, and the one that ends them."""

    @group.command(name="list", help=f"Count {place.word} letters by reason, class and age; touches none.")
    @selecting
    @click.option("--each", is_flag=True, help="One line a letter instead of groups.")
    @as_json_option
    def list_(*, each: bool, as_json: bool, **selectors: Any) -> None:
        process.list_letters(*_of(selectors), each=each, as_json=as_json)

    @group.command(
        help=f"Show {place.word} letters with all but what is sealed, and what the ledger knows of them; touches none.\n\n"
        "Exit code 1 if there is none of these."
    )
    @click.argument("names", nargs=-1, metavar="[ID]...", callback=long_enough)
    @selecting
    @as_json_option
    def show(*, names: tuple[str, ...], as_json: bool, **selectors: Any) -> None:
        selectors["ids"] += names
        selectors["limit"] = selectors["limit"] or (None if selectors["ids"] else _SHOWN_AT_MOST)
        sys.exit(process.show_letters(*_of(selectors), as_json=as_json))

    @group.command(
        help=f"End {place.word} letters for good, after a question: all, or those that are selected; auth-service is told."
    )
    @selecting
    @dry_run_option
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @actor_option
    @as_json_option
    def drop(*, dry_run: bool, yes: bool, actor: str, as_json: bool, **selectors: Any) -> None:
        sys.exit(
            process.drop_letters(
                *_of(selectors), dry_run=dry_run, sure=yes or dry_run, actor=actor, as_json=as_json
            )
        )

    def _of(selectors: dict[str, Any]) -> tuple[OperatorSettings, process.Place, Selection]:
        settings, selection = settings_and_selection(selectors)
        return settings, place, selection

"""`auth-service accounts find|show|export` and what changes an account, for a person or a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar
from uuid import UUID

import click

from auth_service.cli.operating import iso, stamp, transactions_on
from auth_service.cli.starting import start
from auth_service.domain.address import Address
from auth_service.errors import AuthError
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.delete_account import EraseAccount
from auth_service.flows.letter_writer import LetterWriter
from auth_service.flows.operate_accounts import OperateAccounts, Operated
from auth_service.flows.read_person import ReadPerson
from auth_service.settings import AccountsReadSettings, AccountsSettings

FAILED: Final = 1

_NAME: Final = "auth-accounts"
_NEWEST_LETTERS: Final = 10

Person = Mapping[str, Sequence[Mapping[str, Any]]]
T = TypeVar("T")


class Verb(StrEnum):
    """What an operator does to an account."""

    VERIFY = "verify"
    DISABLE = "disable"
    ENABLE = "enable"
    SIGN_OUT = "sign-out"
    DELETE = "delete"


_DONE: Final[Mapping[Verb, tuple[str, str]]] = MappingProxyType(
    {
        Verb.VERIFY: ("is verified", "was verified before"),
        Verb.DISABLE: ("is disabled", "was disabled before"),
        Verb.ENABLE: ("is enabled", "was not disabled"),
        Verb.SIGN_OUT: ("is signed out everywhere", "had no open session"),
        Verb.DELETE: ("is deleted", ""),
    }
)
"""What is said of an account that was changed, and of one that needed no change."""


def find(about: Address | UUID, *, as_json: bool) -> int:
    """Lists accounts and registrations of somebody; returns the exit code."""

    def look(read: ReadPerson) -> Mapping[str, Any]:
        former = [] if isinstance(about, UUID) else read.formerly(about)
        try:
            person = read(about)
        except AuthError:
            if not former:
                raise
            person = {}
        return {
            "accounts": person.get("accounts", []),
            "registrations": person.get("registrations", []),
            "email_changes": former,
        }

    return _read(look, _found, as_json=as_json)


def show(about: Address | UUID, *, as_json: bool) -> int:
    """Tells how an account is; returns the exit code."""

    def look(read: ReadPerson) -> Mapping[str, Any]:
        person = read(about)
        return {
            "accounts": person["accounts"],
            "registrations": person["registrations"],
            "sessions": [row for row in person["sessions"] if row["ended_at"] is None],
            "email_changes": person["email_changes"],
            "letters": person["letters"][-_NEWEST_LETTERS:],
            "refused_mailboxes": person["refused_mailboxes"],
        }

    return _read(look, _shown, as_json=as_json)


def export(about: Address | UUID, *, by: str) -> int:
    """Prints all that is kept of somebody as JSON; returns the exit code."""
    return _read(lambda read: read(about, exported_by=by), lambda _: iter(()), as_json=True)


def change(verb: Verb, about: Address | UUID, *, by: str, as_json: bool) -> int:
    """Does it; returns the exit code."""
    settings = start(_NAME, AccountsSettings, log_to=sys.stderr)
    writer = LetterWriter(
        sealer=settings.sealer(), keyed_hash=settings.keyed_hash(), public_url=settings.public_url
    )
    with transactions_on(settings.database_url, application=_NAME) as transactions:
        keyed_hash = settings.keyed_hash()
        letters = AccountLetters(writer=writer, sign_in_url=settings.sign_in_page)
        operate = OperateAccounts(
            transactions=transactions,
            keyed_hash=keyed_hash,
            letters=letters,
            erase=EraseAccount(transactions=transactions, keyed_hash=keyed_hash, letters=letters),
            by=by,
        )
        act: Mapping[Verb, Callable[[Address | UUID], Operated]] = {
            Verb.VERIFY: operate.verify,
            Verb.DISABLE: operate.disable,
            Verb.ENABLE: operate.enable,
            Verb.SIGN_OUT: operate.sign_out,
            Verb.DELETE: operate.delete,
        }
        with _complaining() as failed:
            operated = act[verb](about)
    if failed:
        return FAILED
    if as_json:
        answer = {
            "action": verb.value,
            "id": str(operated.account_id),
            "changed": operated.changed,
            "sessions": operated.sessions,
        }
        click.echo(json.dumps(answer))
        return 0
    ended = f"; {operated.sessions} sessions ended" if operated.sessions else ""
    click.echo(f"Account {operated.account_id} {_DONE[verb][not operated.changed]}{ended}.")
    return 0


def _read(
    look: Callable[[ReadPerson], Person], text: Callable[[Person], Iterator[str]], *, as_json: bool
) -> int:
    settings = start(_NAME, AccountsReadSettings, log_to=sys.stderr)
    with transactions_on(settings.database_url, application=_NAME) as transactions, _complaining() as failed:
        found = look(ReadPerson(transactions=transactions, keyed_hash=settings.keyed_hash()))
    if failed:
        return FAILED
    click.echo(json.dumps(found, indent=2, default=_plain) if as_json else "\n".join(text(found)))
    return 0


@contextmanager
def _complaining() -> Iterator[list[AuthError]]:
    """Says on standard error why something could not be done, and has it in the list."""
    failed: list[AuthError] = []
    try:
        yield failed
    except AuthError as error:
        failed.append(error)
        click.echo(str(error), err=True)


def _plain(value: object) -> str:
    return iso(value) or "" if isinstance(value, datetime) else str(value)


def _found(person: Person) -> Iterator[str]:
    for account in person["accounts"]:
        state = f"disabled {stamp(account['disabled_at'])}" if account["disabled_at"] else "enabled"
        yield f"account       {account['id']}  {account['email']}  verified {stamp(account['verified_at'])}  {state}"
    for registration in person["registrations"]:
        state = registration["ended_for"] or "pending"
        yield f"registration  {registration['id']}  {registration['email']}  {stamp(registration['created_at'])}  {state}"
    for change in person["email_changes"]:
        yield f"change        {change['account_id']}  {_change(change)}"


def _shown(person: Person) -> Iterator[str]:
    yield from _found(person)
    for account in person["accounts"]:
        yield f"password      {'has one' if account['has_password'] else 'has none'}"
        yield f"language      {account['locale']}"
    for refused in person["refused_mailboxes"]:
        yield f'mailbox       said "this wasn\'t me": no sign-up emails until {stamp(refused["until"])}'
    for opened in person["sessions"]:
        where = ", ".join(word for word in (opened["device"], opened["source"]) if word)
        yield f"session       {opened['id']}  {where}  last used {stamp(opened['last_used_at'])}"
    for letter in person["letters"]:
        yield f"letter        {letter['id']}  {letter['letter']}  {stamp(letter['created_at'])}  {letter['state']}"


def _change(change: Mapping[str, Any]) -> str:
    if change["reverted_at"]:
        state = f"taken back {stamp(change['reverted_at'])}"
    elif change["confirmed_at"]:
        state = f"confirmed {stamp(change['confirmed_at'])}"
    else:
        state = "cancelled" if change["ended_at"] else "waits"
    return f"{change['old_email']} to {change['email']}  {stamp(change['created_at'])}  {state}"

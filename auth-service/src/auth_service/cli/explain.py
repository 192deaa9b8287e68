"""`auth-service explain`: one timeline of somebody's letters, for a person or a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import click

from auth_service.cli.starting import start
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address, parse_address
from auth_service.domain.history import Happening, History, LetterRecord, timeline
from auth_service.errors import DatabaseUnavailable, InvalidAddress
from auth_service.flows.explain import Explain
from auth_service.security.secrets import Secret
from auth_service.settings import ExplainSettings
from service_runtime.database.engine import build_engine, build_sessions

UNKNOWN: Final = 1

_UNKNOWN_WORDS: Final = {
    Address: "this address has no account, and no letter to it is remembered (letters are for 30 days)",
    Secret: "no request has this receipt; letters and receipts are remembered for 30 days",
    UUID: "no letter has this id; letters are remembered for 30 days",
}
_WORDS: Final = {
    "registered": "registered",
    "requested": "letter asked for",
    "renewed": "fresh letter instead of an expired one",
    "announced": "letter of an announcement",
    "published": "the broker has it",
    "reported": "mailer:",
    "never_left": "never left the outbox:",
    "withdrawn": "withdrawn",
    "used": "its link or code was used",
    "confirmed": "registration confirmed: the account is its own",
    "overtaken": "registration void: another one of the address was confirmed",
    "taken": "registration void from the beginning: the address has an account",
    "refused": "registration refused from the mailbox",
    "link_replaced": "its link and code were replaced",
    "in_outbox": "waits in the outbox",
}


def run(wanted: str, *, as_json: bool) -> int:
    """Explains an address, a receipt or a letter's id; returns the exit code."""
    settings = start("auth-explain", ExplainSettings, log_to=sys.stderr)
    engine = build_engine(
        settings.database_url.get_secret_value(), application="auth-explain", connections=1, overflow=0
    )
    explain = Explain(
        transactions=Transactions(build_sessions(engine), seconds=10.0), keyed_hash=settings.keyed_hash()
    )
    try:
        about = _read(wanted)
        history = explain(about)
    except (InvalidAddress, DatabaseUnavailable) as error:
        click.echo(str(error), err=True)
        return UNKNOWN
    finally:
        engine.dispose()
    if history.is_empty:
        click.echo(f"Unknown: {_UNKNOWN_WORDS[type(about)]}.", err=True)
        return UNKNOWN
    click.echo(json.dumps(_data(history), indent=2) if as_json else "\n".join(_text(history)))
    return 0


def _read(wanted: str) -> Address | Secret | UUID:
    if "@" in wanted:
        return parse_address(wanted)
    try:
        return UUID(wanted)
    except ValueError:
        return Secret(wanted)


def _data(history: History) -> dict[str, Any]:
    account = history.account
    return {
        "account": account
        and {
            "id": str(account.id),
            "locale": account.locale,
            "created_at": _iso(account.created_at),
            "verified_at": _iso(account.verified_at),
        },
        "registrations": [
            {
                "id": str(registration.id),
                "locale": registration.locale,
                "device": registration.device,
                "client_id": registration.client_id,
                "created_at": _iso(registration.created_at),
                "ended_at": _iso(registration.ended_at),
                "ended_for": registration.ended_for,
                "confirmed_with": registration.confirmed_with,
            }
            for registration in history.registrations
        ],
        "letters": [
            {
                "id": str(letter.id),
                "letter": letter.letter,
                "class": letter.letter_class,
                "state": letter.state.value,
                "created_at": _iso(letter.created_at),
                "expires_at": _iso(letter.expires_at),
                "withdrawn_at": _iso(letter.withdrawn_at),
                "withdrawn_for": letter.withdrawn_for,
                "renewal_of": str(letter.renewal_of) if letter.renewal_of else None,
                "renewal": letter.renewal,
                "renewal_due": letter.renewal_due,
                "announcement": letter.announcement,
                "registration": str(letter.registration_id) if letter.registration_id else None,
                "receipt_tells": letter.receipt_tells,
                "to_nobody": _is_to_nobody(letter),
            }
            for letter in history.letters
        ],
        "timeline": [
            {
                "at": _iso(happening.at),
                "event": happening.name,
                "letter_id": str(happening.letter_id) if happening.letter_id else None,
                **happening.details,
            }
            for happening in timeline(history)
        ],
    }


def _text(history: History) -> Iterator[str]:
    account = history.account
    if account is None:
        yield "no account"
    else:
        yield f"account {account.id}: verified {_stamp(account.verified_at)}, language {account.locale}"
    pending = sum(registration.ended_at is None for registration in history.registrations)
    if pending:
        yield f"registrations that wait for confirmation: {pending}"
    yield ""
    yield from (_line(happening) for happening in timeline(history))
    yield ""
    for letter in history.letters:
        nobody = "  (to nobody: a decoy, or its registration is gone)" if _is_to_nobody(letter) else ""
        due = "  (a fresh one is due)" if letter.renewal_due else ""
        yield f"{letter.id}  {letter.letter}, now {letter.state}, good until {_stamp(letter.expires_at)}{due}{nobody}"
    if history.letters:
        yield "Attempts and replies of a letter: mailer-service explain ID"


def _is_to_nobody(letter: LetterRecord) -> bool:
    return letter.account_id is None and letter.registration_id is None


def _line(happening: Happening) -> str:
    letter = str(happening.letter_id)[:8] if happening.letter_id else "-" * 8
    details = dict(happening.details)
    words = [_WORDS[happening.name]]
    if "state" in details:
        words.append(str(details.pop("state")))
    rest = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in details.items())
    return f"{_stamp(happening.at)}  {letter}  {' '.join(words)}{f'  ({rest})' if rest else ''}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None

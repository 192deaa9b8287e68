"""The file of `auth-service accounts import`: JSON lines or CSV, read line by line, whatever its size."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auth_service.domain.account_import import DEFAULT_LOCALE, ImportedPerson, RefusedLine
from auth_service.domain.address import parse_address
from auth_service.errors import InvalidAddress
from auth_service.security.imported_hashes import RefusedHash, read_hash

LONGEST_LINE: Final = 16 * 1024
"""Characters; a longer one is refused."""

_REQUIRED: Final = frozenset({"email", "password_hash", "verified"})


class UnreadableFile(Exception):
    """The file is neither of the two; its text says why."""


class _Record(BaseModel):
    """One person, as other software exports them; values of a CSV are all text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: str
    password_hash: str | dict[str, Any] | None
    verified: bool
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$")] | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """A record that nobody has understood yet.

    Attributes:
        line: its number in the file, from 1; of a record of several lines its last.
        text: a line of JSON, or the fields of a CSV by their names.
    """

    line: int
    text: str | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A file seen once from end to end: its SHA-256, and how many lines it has."""

    digest: bytes
    lines: int


def survey(path: Path) -> Survey:
    """Reads the file through."""
    digest, lines = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            lines += chunk.count(b"\n")
    return Survey(digest=digest.digest(), lines=lines)


def records_in(path: Path) -> Iterator[RawRecord]:
    """Yields the records of a file, without understanding any: those before a place are passed over at little cost.

    Raises:
        UnreadableFile: a CSV whose first line names other columns.
    """
    # What is no UTF-8 makes its line refused, not the file.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = enumerate(_lines(file), start=1)
        first = next(lines, (1, ""))
        if first[1].lstrip().startswith("{"):
            yield RawRecord(line=first[0], text=first[1])
            yield from (RawRecord(line=number, text=line) for number, line in lines if line.strip())
            return
        names = next(csv.reader([first[1]]), [])
        if not set(names) >= _REQUIRED or not set(names) <= set(_Record.model_fields):
            raise UnreadableFile(
                "neither JSON lines nor a CSV whose first line has the columns email, password_hash, verified,"
                " and perhaps locale and created_at"
            )
        table = csv.DictReader((line for _, line in lines), names, restkey="", restval=None, strict=True)
        yield from _rows(table)


def read_record(raw: RawRecord) -> ImportedPerson | RefusedLine:
    """Returns the person, or why there is none."""
    try:
        record = _Record.model_validate(_fields(raw.text))
        stored = read_hash(record.password_hash)
        return ImportedPerson(
            line=raw.line,
            address=parse_address(record.email),
            password_hash=None if stored is None else stored.phc,
            verified=record.verified,
            locale=record.locale or DEFAULT_LOCALE,
            created_at=None if record.created_at is None else _aware(record.created_at),
        )
    except ValidationError as error:
        reason = "; ".join(
            f"{'.'.join(map(str, flaw['loc'][:1])) or 'record'}: {flaw['msg']}" for flaw in error.errors()
        )
    except InvalidAddress:
        reason = "email: not an address that letters can be sent to"
    except RefusedHash as refused:
        reason = f"password_hash: {refused}"
    except ValueError as broken:
        reason = str(broken)
    return RefusedLine(line=raw.line, reason=reason)


def _lines(file: Any) -> Iterator[str]:
    """Yields lines; of one that is too long only its beginning."""
    while line := file.readline(LONGEST_LINE):
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith("\n"):
            rest = file.readline(LONGEST_LINE)
        yield line


def _rows(table: csv.DictReader[str]) -> Iterator[RawRecord]:
    while True:
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error:
            yield RawRecord(line=table.line_num + 1, text="")
            continue
        yield RawRecord(line=table.line_num + 1, text=row)


def _fields(text: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(text, str):
        # A row with too many or too few fields.
        if "" in text or None in text.values():
            raise ValueError("not as many fields as the first line")
        _require_text("".join(text.values()))
        return {name: value for name, value in text.items() if value != "" or name in _REQUIRED}
    if len(text) >= LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE} characters")
    _require_text(text)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError("not one JSON object, each name in it once") from None
    if not isinstance(value, dict):
        raise ValueError("not one JSON object, each name in it once")  # noqa: TRY004 - one kind of refusal
    return value


def _require_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("not UTF-8") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment

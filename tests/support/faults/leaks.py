"""Where a usable secret can be read: on the disks of broker and databases, and in the services' logs."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from dev_inbox.mailbox import Message
from dev_inbox.parts import read_parts
from support.database import Database
from support.infra import Infra
from support.people import CODE, LINK

SAMPLE = 6
"""Letters whose secrets are looked for; what leaks one leaks all of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What nobody but a letter's reader may know.

    Attributes:
        tokens: of links; to be found nowhere.
        spoken: codes and addresses; to be found in no log.
    """

    tokens: tuple[str, ...]
    spoken: tuple[str, ...]


def secrets_of(letters: Sequence[Message]) -> Secrets:
    """The secrets of some of these letters."""
    tokens: list[str] = []
    spoken: list[str] = []
    for letter in letters[:: max(1, len(letters) // SAMPLE)][:SAMPLE]:
        text = read_parts(letter.raw).text or ""
        tokens += [link.partition("#token=")[2] for link in LINK.findall(text)]
        if code := CODE.search(LINK.sub("", text)):
            spoken.append("".join(code.groups()))
        spoken += letter.recipients
    return Secrets(tokens=tuple(tokens), spoken=tuple(spoken))


def find_leaks(secrets: Secrets, *, infra: Infra, databases: Sequence[Database], logs: Path) -> Iterator[str]:
    """Name every place where one of the secrets is readable.

    The broker's files hold every message it ever took, those of a database also rows that were deleted.
    """
    places = {"the broker's files": infra.node.home / "data"}
    for database in databases:
        places[f"the files of the database {database.service}"] = _files_of(database)
    for name, directory in places.items():
        if any(token.encode() in content for content in _contents(directory) for token in secrets.tokens):
            yield name
    words = (*secrets.tokens, *secrets.spoken)
    said = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words) or r"(?!)")
    for path in sorted(logs.glob("*.log")):
        if said.search(path.read_text(encoding="utf-8", errors="replace")):
            yield path.name


def _files_of(database: Database) -> Path:
    with closing(psycopg2.connect(database.admin_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filepath('letters')")
        (path,) = cursor.fetchone() or ("",)
    return (database.infra.cluster.place.resolve() / "data" / str(path)).parent


def _contents(directory: Path) -> Iterator[bytes]:
    assert directory.is_dir(), f"{directory} is not where it was looked for"
    for path in sorted(directory.rglob("*")):
        try:
            if path.is_file():
                yield path.read_bytes()
        except FileNotFoundError:
            continue  # removed meanwhile

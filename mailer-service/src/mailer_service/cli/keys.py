"""`mailer-service keys` makes the mailer's secrets, for sealing, hashes and signing; `dkim-records` says what to publish of them."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

from mail_contract.keys import generate_sealing_keys
from mailer_service.letter_settings import DkimSettings
from mailer_service.letters.dkim_keys import DkimKeys, generate_dkim_keys, zone_line
from service_runtime import key_files

PRIVATE = "sealing.private.json"
PUBLIC = "sealing.public.json"
DKIM = "dkim.private.pem"
HASH_KEY = "mailer-hash.key"
"""Named so that both services' keys may lie in one directory."""


def run(directory: Path) -> tuple[Path, ...]:
    """Writes what is missing, readable by its owner only; never touches what is there.

    Args:
        directory: made if need be.

    Returns:
        The files written.

    Raises:
        FileExistsError: one half of the pair is there without the other, which cannot be made from it here.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pair, hash_key = (directory / PRIVATE, directory / PUBLIC), directory / HASH_KEY
    present = [path for path in pair if path.exists()]
    if len(present) == 1:
        raise FileExistsError(f"{present[0]} is there, but its other half is not")
    texts = () if present else zip(pair, generate_sealing_keys(), strict=True)
    written = [_write(path, text) for path, text in texts]
    written.append(_write(hash_key, secrets.token_urlsafe(32)))
    return tuple(path for path in written if path is not None)


def make_dkim_keys(directory: Path) -> tuple[Path, ...]:
    """Writes a key of each algorithm that letters can be signed with, unless there are some; returns as `run`."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / DKIM
    if path.exists():
        return ()
    _write(path, generate_dkim_keys(datetime.now(UTC).date()))
    return (path,)


def _write(path: Path, text: str) -> Path | None:
    return key_files.write_missing(path, lambda: text + "\n")


def dkim_records(settings: DkimSettings) -> str:
    """Returns one TXT record a key: lines of a zone file."""
    return "\n".join(zone_line(name, text) for name, text in _records(settings))


def dkim_records_as_json(settings: DkimSettings) -> str:
    """Returns the same as a list of names and texts."""
    return json.dumps([{"name": name, "type": "TXT", "text": text} for name, text in _records(settings)])


def _records(settings: DkimSettings) -> list[tuple[str, str]]:
    keys = DkimKeys.from_pem(settings.dkim_keys.get_secret_value()).keys
    return [(f"{key.selector}._domainkey.{settings.signing_domain}", key.record()) for key in keys]

"""The secrets of auth-service, made once: the key that signs letters and the key of its hashes."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mail_contract.keys import generate_signing_keys

SIGNING_PRIVATE: Final = "signing.private.json"
SIGNING_PUBLIC: Final = "signing.public.json"
HASH_KEY: Final = "hash.key"


class LonelyPublicKey(Exception):
    """The public signing key is there, but not its private half."""


def write_keys(directory: Path) -> Sequence[Path]:
    """Writes what is missing, readable by its owner alone; never touches what is there.

    Args:
        directory: made if need be.

    Returns:
        The files written.

    Raises:
        LonelyPublicKey: a new pair would make the mailer refuse letters signed with the lost one.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    private, public, hash_key = (directory / name for name in (SIGNING_PRIVATE, SIGNING_PUBLIC, HASH_KEY))
    if public.exists() and not private.exists():
        raise LonelyPublicKey(
            f"{public} is there, but not {private.name}: bring it back or remove the public key"
        )
    written = [
        _write(private, lambda: generate_signing_keys()[0]),
        _write(public, lambda: _public_half(private.read_text(encoding="utf-8"))),
        _write(hash_key, lambda: secrets.token_urlsafe(32)),
    ]
    return [path for path in written if path is not None]


def _public_half(private: str) -> str:
    entries = json.loads(private)["keys"]
    return json.dumps(
        {"keys": [{name: value for name, value in jwk.items() if name != "d"} for jwk in entries]}
    )


def _write(path: Path, make: Callable[[], str]) -> Path | None:
    if path.exists():
        return None
    # Written beside and linked into place: nobody ever reads half a key, and of two who write at once one wins.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(make())
        os.link(draft, path)
    except FileExistsError:
        return None
    finally:
        draft.unlink()
    return path

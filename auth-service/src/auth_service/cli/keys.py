"""The secrets of auth-service, made once: the keys that sign letters and access tokens, and the key of its hashes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from auth_service.security.token_keys import Rotation, Step, TokenKeys, rotate
from mail_contract.keys import generate_signing_keys
from service_runtime import key_files

SIGNING_PRIVATE: Final = "signing.private.json"
SIGNING_PUBLIC: Final = "signing.public.json"
HASH_KEY: Final = "hash.key"
TOKEN_KEYS: Final = "tokens.private.json"  # noqa: S105 - the name of a file


class NotRestarted(Exception):
    """The step is only safe when all API processes run with what the step before wrote, and nobody said that they do."""


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
        key_files.write_missing(private, lambda: generate_signing_keys()[0]),
        key_files.write_missing(public, lambda: _public_half(private.read_text(encoding="utf-8"))),
        key_files.write_missing(hash_key, lambda: secrets.token_urlsafe(32)),
        key_files.write_missing(directory / TOKEN_KEYS, lambda: TokenKeys.new(datetime.now(UTC)).to_json()),
    ]
    return [path for path in written if path is not None]


def rotate_token_keys(directory: Path, *, now: datetime, restarted: bool) -> Rotation:
    """Takes the next step of rotating the keys of access tokens, if it is time for it; returns how the rotation stands.

    Args:
        directory: where they are.
        now: by this machine's clock.
        restarted: whether all API processes were started anew since the step before.

    Raises:
        NotRestarted: it is time, but they were not; nothing is changed.
        OSError: they cannot be read or written.
        BadKey: what is there are no such keys.
    """
    path = directory / TOKEN_KEYS
    with key_files.locked(directory):
        rotation = rotate(TokenKeys.from_json(path.read_text(encoding="utf-8")), now)
        if rotation.keys is not None:
            if rotation.step is not Step.PUBLISH and not restarted:
                raise NotRestarted
            key_files.replace(path, rotation.keys.to_json())
    return rotation


def _public_half(private: str) -> str:
    entries = json.loads(private)["keys"]
    return json.dumps(
        {"keys": [{name: value for name, value in jwk.items() if name != "d"} for jwk in entries]}
    )

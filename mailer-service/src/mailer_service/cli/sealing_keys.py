"""One sealing key takes the place of another, and what was sealed with the old one can never be opened again.

A letter is of use for as long as it lives; its seal would keep for as long as the key does. So the private key is destroyed once the
longest-lived letter sealed with it is over, and an old backup of a queue or of the outbox shows nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mail_contract.errors import BadKey
from mail_contract.keys import generate_sealing_keys
from mail_contract.letters import LETTERS
from mailer_service.cli.keys import PRIVATE, PUBLIC
from service_runtime import key_files

RETIRE_AFTER: Final = max(definition.lifetime for definition in LETTERS.values()) + timedelta(days=1)
"""The longest life of a letter, and a day for those on their way back from a wait queue."""

Jwk = dict[str, Any]


class Step(StrEnum):
    """What a rotation did, or is to do next."""

    MAKE = "make"
    """The mailer gets a key more, which nothing is sealed with yet."""
    USE = "use"
    """Auth-service gets its public half, in place of the old one's."""
    RETIRE = "retire"
    """The old private key is destroyed."""


class KeyRole(StrEnum):
    """What a private key is for, as its member `role` says; each opens. Without that member it is the current one."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"


class NotRestarted(Exception):
    """The step is only safe when all processes run with what the step before wrote, and nobody said that they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """How a rotation stands.

    Attributes:
        step: what was done, or comes next.
        done: whether it was done.
        due: from when on it may be done.
    """

    step: Step
    done: bool
    due: datetime


def rotate_sealing_keys(directory: Path, *, now: datetime, restarted: bool) -> Rotation:
    """Takes the next step of replacing the sealing key, if it is time for it.

    Args:
        directory: where `mailer-service keys` wrote both halves.
        now: by this machine's clock.
        restarted: whether the processes that read what the step before wrote were all started anew since.

    Raises:
        NotRestarted: it is time, but they were not; nothing is changed.
        BadKey: what is there are no such keys.
        OSError: they cannot be read or written.
    """
    with key_files.locked(directory):
        keys = _read(directory / PRIVATE)
        step, due = _next_step(keys, now)
        if now < due:
            return Rotation(step=step, done=False, due=due)
        if step is not Step.MAKE and not restarted:
            raise NotRestarted
        if step is Step.MAKE:
            keys = [*keys, _marked(json.loads(generate_sealing_keys()[0])["keys"][0], KeyRole.NEXT, now)]
        elif step is Step.USE:
            following = next(key for key in keys if _role(key) is KeyRole.NEXT)
            retired = [_marked(key, KeyRole.RETIRED, now) for key in keys if key is not following]
            # Before the private ones: repeated after a crash in between it is the same.
            key_files.replace(directory / PUBLIC, _set([_public(following)]))
            keys = [_marked(following, KeyRole.CURRENT, now), *retired]
        else:
            keys = [key for key in keys if _role(key) is not KeyRole.RETIRED]
        key_files.replace(directory / PRIVATE, _set(keys))
    return Rotation(step=step, done=True, due=due)


def _next_step(keys: Sequence[Jwk], now: datetime) -> tuple[Step, datetime]:
    if any(_role(key) is KeyRole.NEXT for key in keys):
        return Step.USE, now
    retired = [datetime.fromisoformat(key["since"]) for key in keys if _role(key) is KeyRole.RETIRED]
    return (Step.RETIRE, max(retired) + RETIRE_AFTER) if retired else (Step.MAKE, now)


def _read(path: Path) -> list[Jwk]:
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
        roles = [_role(key) for key in keys]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadKey(f"(a JWK set with X25519 keys: {type(error).__name__})") from None
    if not keys or roles.count(KeyRole.NEXT) > 1:
        raise BadKey("(at least one key, and at most one that is `next`)")
    return list(keys)


def _role(key: Jwk) -> KeyRole:
    return KeyRole(key.get("role", KeyRole.CURRENT))


def _marked(key: Jwk, role: KeyRole, since: datetime) -> Jwk:
    return {**key, "role": role.value, "since": since.isoformat(timespec="seconds")}


def _public(key: Jwk) -> Jwk:
    return {name: key[name] for name in ("kty", "crv", "kid", "x")}


def _set(keys: Sequence[Jwk]) -> str:
    return json.dumps({"keys": keys}) + "\n"

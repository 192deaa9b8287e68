"""Every password of the stack, made once and kept in one file."""

import json
import re
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Self

from postern_local.directory import write_private
from postern_local.errors import StepFailed

_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")


def _fresh() -> str:
    return secrets.token_hex(16)  # no character that an address or a configuration file would have to escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """One for each login; nothing here is ever logged."""

    broker_admin: str = field(default_factory=_fresh)
    broker_auth: str = field(default_factory=_fresh)
    broker_mailer: str = field(default_factory=_fresh)
    broker_operator: str = field(default_factory=_fresh)
    broker_flower: str = field(default_factory=_fresh)
    broker_viewer: str = field(default_factory=_fresh)
    database_admin: str = field(default_factory=_fresh)
    database_migrator: str = field(default_factory=_fresh)
    database_auth: str = field(default_factory=_fresh)
    database_mailer: str = field(default_factory=_fresh)
    flower_operator: str = field(default_factory=_fresh)
    flower_cookie: str = field(default_factory=_fresh)

    @classmethod
    def load_from(cls, path: Path) -> Self:
        """Those of earlier runs, with fresh ones for what is new, saved in `path` (mode 0600).

        Raises:
            StepFailed: somebody wrote one there that cannot go into an address or a configuration file as it is.
        """
        saved: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        known = {entry.name for entry in fields(cls)}
        for name in known & saved.keys():
            if not _PLAIN.fullmatch(saved[name]):
                raise StepFailed(f"{path}: {name} may have only ASCII letters, digits and . _ ~ -")
        passwords = cls(**{name: value for name, value in saved.items() if name in known})
        if asdict(passwords) != saved:
            write_private(path, json.dumps(asdict(passwords), indent=2) + "\n")
        return passwords

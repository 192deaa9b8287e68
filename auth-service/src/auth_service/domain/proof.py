"""A challenge to prove some work with, as it is given to whoever registers while many do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Work to be done by whoever registers while many do.

    Attributes:
        document: as ALTCHA's clients take it: `parameters` and `signature`.
        expires_at: until when a solution is taken.
    """

    document: dict[str, Any]
    expires_at: datetime

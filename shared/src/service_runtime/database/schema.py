"""What all tables have in common: how their columns are typed and their constraints named."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text, Uuid

CONSTRAINT_NAMES: Final = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
"""Every constraint has a name, so that migrations can speak of it."""
COLUMN_TYPES: Final[MappingProxyType[Any, Any]] = MappingProxyType(
    {str: Text(), bytes: LargeBinary(), datetime: DateTime(timezone=True), UUID: Uuid()}
)


def one_of(column: str, values: Iterable[str]) -> str:
    """Returns the CHECK of a closed choice."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in sorted(values))})"


def name_of_ours(column: str) -> str:
    """Returns the CHECK of a name that the code chooses from a list which grows: a new one needs no migration."""
    return f"{column} ~ '^[a-z][a-z_]*$'"

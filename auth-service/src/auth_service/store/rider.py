"""A write that rides on another statement: done with it or not at all, and without a round trip of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import CTE
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import HasCTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rider:
    """The write, and what it is given; its parameters are named unlike those of the statement that carries it.

    PostgreSQL runs them on one snapshot: none sees another's rows (its manual, section 7.8.4).
    """

    write: CTE
    values: Mapping[str, Any]


def execute(session: Session, statement: HasCTE, values: Mapping[str, Any], *riders: Rider) -> None:
    """Runs a statement for its effect, the riders' too."""
    all_values = dict(values)
    for rider in riders:
        all_values.update(rider.values)
    session.execute(_carrying(statement, *(rider.write for rider in riders)), all_values)


@cache
def _carrying(statement: Any, *writes: CTE) -> Any:
    return statement.add_cte(*writes) if writes else statement

"""What commands of operators have in common: about whom, as whom, on which database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import click
from pydantic import SecretStr

from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address, parse_address
from auth_service.errors import InvalidAddress
from service_runtime.database.engine import build_engine, build_sessions


class Whom(click.ParamType[Address | UUID]):
    """An address, or an id from a log or a list."""

    name = "address|id"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address | UUID:
        """Returns the one or the other."""
        if isinstance(value, Address | UUID):
            return value
        text = str(value)
        try:
            return parse_address(text) if "@" in text else UUID(text)
        except (InvalidAddress, ValueError):
            self.fail("say an email address or an account's id", param, ctx)


@contextmanager
def transactions_on(
    database_url: SecretStr, *, application: str, seconds: float = 10.0
) -> Iterator[Transactions]:
    """Yields transactions on one connection, closed at the end.

    Args:
        database_url: as the role `auth`.
        application: as PostgreSQL lists it.
        seconds: for all waiting inside one transaction.
    """
    engine = build_engine(database_url.get_secret_value(), application=application, connections=1, overflow=0)
    try:
        yield Transactions(build_sessions(engine), seconds=seconds)
    finally:
        engine.dispose()


def stamp(moment: datetime) -> str:
    """Returns a moment for people, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def iso(moment: datetime | None) -> str | None:
    """Returns a moment for programs, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None

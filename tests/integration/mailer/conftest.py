"""A mailer's surroundings, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.broker import VirtualHost
from support.database import Database
from support.mailroom import Mailroom, mailroom


@pytest.fixture
def room(broker: VirtualHost, mailer_database: Database, tmp_path: Path) -> Iterator[Mailroom]:
    """Surroundings for replicas; ends those that still run."""
    with mailroom(broker, mailer_database, tmp_path) as surroundings:
        yield surroundings

"""A mailer and what it needs: fresh for a test that breaks something, shared by those that only send letters."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.broker import VirtualHost, virtual_host
from support.database import Database, database_copy
from support.infra import Infra
from support.mailroom import Mailroom, mailroom


@pytest.fixture
def room(broker: VirtualHost, mailer_database: Database, tmp_path: Path) -> Iterator[Mailroom]:
    """A fresh mailer without a replica; those started are ended."""
    with mailroom(broker, mailer_database, tmp_path) as overrides:
        yield overrides


@pytest.fixture(scope="module")
def _busy_room(
    infra: Infra, _mailer_template: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mailroom]:
    infra.ensure_broker()
    infra.ensure_postgres()
    with (
        virtual_host(infra) as broker,
        database_copy(infra, "mailer") as database,
        mailroom(broker, database, tmp_path_factory.mktemp("mailroom")) as overrides,
    ):
        overrides.shorten_the_waits()
        overrides.start()
        yield overrides


@pytest.fixture
def busy_room(_busy_room: Mailroom) -> Mailroom:
    """A mailer with one running replica and short waits, shared by the tests of a module; a friendly inbox."""
    assert _busy_room.replicas[0].is_running
    _busy_room.inbox.play()
    return _busy_room

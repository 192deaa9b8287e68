"""Fixtures for everybody: the private servers of a session and a test's own place on each."""

import signal
from collections.abc import Generator, Iterator

import pytest

from support.broker import VirtualHost, virtual_host
from support.database import Database, database_copy, migrate
from support.infra import Infra
from support.stack import Stack, running_stack


def pytest_configure() -> None:
    """SIGTERM ends a run as Ctrl-C does, so that fixtures still stop what they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test on the whole stack that fails shows the end of the services' logs."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("the stack's logs", stack.last_words()))
    return report


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    """A private RabbitMQ and PostgreSQL, started once."""
    servers = Infra.below(tmp_path_factory.mktemp("infra"))
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def broker(infra: Infra) -> Iterator[VirtualHost]:
    """A fresh virtual host with the topology applied."""
    infra.ensure_broker()
    with virtual_host(infra) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def _auth_template(infra: Infra) -> None:
    migrate(infra, "auth")


@pytest.fixture(scope="session")
def _mailer_template(infra: Infra) -> None:
    migrate(infra, "mailer")


@pytest.fixture
def auth_database(infra: Infra, _auth_template: None) -> Iterator[Database]:
    """A fresh, migrated database of the auth-service."""
    infra.ensure_postgres()
    with database_copy(infra, "auth") as fresh:
        yield fresh


@pytest.fixture
def mailer_database(infra: Infra, _mailer_template: None) -> Iterator[Database]:
    """A fresh, migrated database of the mailer-service."""
    infra.ensure_postgres()
    with database_copy(infra, "mailer") as fresh:
        yield fresh


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The native stack as `make run` starts it, started once, beside any other that runs."""
    with running_stack(tmp_path_factory.mktemp("stack") / "state") as up:
        yield up

"""Fixtures for everybody: the private servers of a session and a test's own place on each."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from support.broker import VirtualHost, virtual_host
from support.database import Database, database_copy, migrate
from support.infra import Infra, in_memory
from support.people import Gate, Mailbox
from support.service_programs import ServiceEnvironment, make_keys
from support.services import Services, services_at
from support.stack import Stack, running_stack

LONGEST_NAME = 80


def pytest_configure() -> None:
    """SIGTERM ends a run as Ctrl-C does, so that fixtures still stop what they started.

    Ctrl-C itself is heeded also where a shell started the run in the background and had it ignored: what tests start
    inherits that.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says nothing while other tests use the same cores.
    hypothesis.settings.register_profile("postern", deadline=None)
    hypothesis.settings.load_profile("postern")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, tests of one file stay together, and so do all that need the whole stack: it is started once.

    Those in a group of their own take long, and come first. Whatever has a broker is marked so, for `make matrix`.
    """
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        needs_stack = "stack" in fixtures
        if needs_stack or "broker" in fixtures:
            item.add_marker(pytest.mark.broker)
        if item.get_closest_marker("xdist_group") is None:
            file = item.path.relative_to(item.config.rootpath)
            item.add_marker(pytest.mark.xdist_group("stack" if needs_stack else str(file)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value is known by its argument's name: it may be made anew in every process, and all must agree on names."""
    return argname if isinstance(val, str | bytes) and len(val) > LONGEST_NAME else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test on the whole stack that fails shows the end of the services' logs."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("the stack's logs", stack.last_words()))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Where all that need the whole stack are one group, it ends with the last: idle, its processes would go on costing."""
    yield
    stack = getattr(item, "funcargs", {}).get("stack")
    last = nextitem is None or "stack" not in getattr(nextitem, "fixturenames", ())
    if last and isinstance(stack, Stack) and item.config.getoption("loadgroup", default=False):
        end(stack)


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    """A private RabbitMQ and PostgreSQL, started once."""
    side_by_side = "PYTEST_XDIST_WORKER" in os.environ  # several servers, which would wait for one disk
    data = in_memory() if side_by_side else None
    servers = Infra.below(tmp_path_factory.mktemp("infra"), data=data)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        if data is not None:
            data.rmdir()


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
        end(up)


def end(stack: Stack) -> None:
    """Ask it to end, if nobody did before; it leaves no description of itself."""
    if stack.runner.poll() is None:
        assert stack.stop() == 0, stack.output.read_text(encoding="utf-8")
    assert not stack.state.stack_file.exists()


@pytest.fixture(scope="session")
def gate(stack: Stack) -> Iterator[Gate]:
    """The stack's API."""
    with Gate(stack.api) as client:
        yield client


@pytest.fixture(scope="session")
def mailbox(stack: Stack) -> Iterator[Mailbox]:
    """The stack's mail inbox."""
    with Mailbox(stack.inbox) as client:
        yield client


@pytest.fixture(scope="session")
def service_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys for sealing, signing and hashing, made once by the services' own commands."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def services(
    broker: VirtualHost,
    auth_database: Database,
    mailer_database: Database,
    service_keys: Path,
    tmp_path: Path,
) -> Iterator[Services]:
    """The services' processes against this test's broker and databases; none runs yet."""
    environment = ServiceEnvironment(
        directory=tmp_path,
        keys=service_keys,
        broker=broker,
        auth_database=auth_database,
        mailer_database=mailer_database,
    )
    with services_at(environment) as processes:
        yield processes

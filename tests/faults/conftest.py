"""What `make faults` says by environment variables, and the scenario of a test.

POSTERN_FAULTS_SEED     makes a run repeatable; a random one is printed
POSTERN_FAULTS_ROWS     only these rows of the matrix, such as 3,7
POSTERN_FAULTS_QUICK    1: the scenarios marked quick, with small loads
POSTERN_FAULTS_FIGURES  file that takes a JSON line a run
"""

import logging
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest
import structlog

from dev_inbox.server import Inbox
from dev_inbox.state import Login
from support.certificates import Authority, serving
from support.faults.figures import Versions
from support.faults.post import Post
from support.faults.scenario import Scenario
from support.infra import Infra
from support.services import Services

SEED = int(os.environ.get("POSTERN_FAULTS_SEED") or SystemRandom().randrange(10**6))
os.environ["POSTERN_FAULTS_SEED"] = str(SEED)  # the processes of a run side by side inherit it
QUICK = os.environ.get("POSTERN_FAULTS_QUICK", "") not in {"", "0"}
ROWS = frozenset(int(row) for row in os.environ.get("POSTERN_FAULTS_ROWS", "").split(",") if row.strip())
LOGIN = Login(user="postern", password="only-for-tests")

FIGURES = "figures"
LEFT_OUT = "left_out"

_left_out: list[str] = []
_lines: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    # A line for each letter would cost the mail server in this process more than the letter.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    config.addinivalue_line("markers", "row(number, fault, quick): a scenario of the matrix of faults")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order by row; leave out what was not asked for, and remember it."""
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        mark = item.get_closest_marker("row")
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600))
        if mark is None:
            chosen.append(item)
            continue
        wanted = (not ROWS or mark.args[0] in ROWS) and (not QUICK or ROWS or mark.kwargs["quick"])
        (chosen if wanted else others).append(item)
    _left_out.extend(_named(item) for item in others)
    config.hook.pytest_deselected(items=others)
    items[:] = sorted(chosen, key=_row_of)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Side by side, each process tells the one that prints the end what it left out; all leave out the same."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output[LEFT_OUT] = _left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _left_out[:] = getattr(node, "workeroutput", {}).get(LEFT_OUT, _left_out)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the line of every run that came to figures, whichever process it was in."""
    if report.when == "teardown":
        _lines.extend(str(value) for name, value in report.user_properties if name == FIGURES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every run's figures, and what did not run."""
    size = "quick" if QUICK else "full"
    terminalreporter.section(f"faults, {size} size, SEED={SEED}")
    for line in _lines:
        terminalreporter.write_line(line)
    if _left_out:
        terminalreporter.write_line(f"not run, because not asked for: {'; '.join(_left_out)}")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the mailers trust."""
    return Authority.below(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def versions(infra: Infra) -> Versions:
    """What the runs run on."""
    return Versions(
        rabbitmq=infra.rabbitmq_version(),
        postgresql=infra.postgres_version(),
        python=platform.python_version(),
    )


@pytest.fixture
def scenario(
    request: pytest.FixtureRequest,
    services: Services,
    service_keys: Path,
    authority: Authority,
    versions: Versions,
) -> Iterator[Scenario]:
    """A run of the row the test is marked with; it has to be settled."""
    mark = request.node.get_closest_marker("row")
    number, fault = mark.args
    chance = Random(f"{SEED}/{request.node.name}")  # noqa: S311 - repeatable on purpose
    certificate = serving(authority.issue("127.0.0.1"))
    with Inbox(tls=certificate, login=LOGIN, messages_kept=200_000, bytes_kept=4 * 2**30) as peer:
        services.settings["SSL_CERT_FILE"] = str(authority.certificate_file)
        services.env["mailer"] = {
            "MAILER_SMTP_URL": f"smtp+starttls://{LOGIN.user}:{LOGIN.password}@{peer.smtp}"
        }
        run = Scenario(
            row=number,
            fault=fault,
            seed=SEED,
            quick=QUICK,
            versions=versions,
            services=services,
            peer=peer,
            certificate=certificate,
            authority=authority,
            chance=chance,
            post=Post.at(services.at.auth_database.url, keys=service_keys, chance=chance),
        )
        yield run
        services.end()
    if run.figures is not None:
        request.node.user_properties.append((FIGURES, run.figures.line()))
        print(f"\n{run.figures.line()}")
        if path := os.environ.get("POSTERN_FAULTS_FIGURES"):
            run.figures.append_to(Path(path))


def _row_of(item: pytest.Item) -> int:
    mark = item.get_closest_marker("row")
    return 0 if mark is None else int(mark.args[0])


def _named(item: pytest.Item) -> str:
    mark = item.get_closest_marker("row")
    assert mark is not None
    return f"{mark.args[0]} {mark.args[1]}"

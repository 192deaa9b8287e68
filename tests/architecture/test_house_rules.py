"""What a reviewer would police, policed here."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from mail_contract.tasks import TASKS
from mail_contract.topology import TOPOLOGY
from support import nursery

REPOSITORY = Path(__file__).parents[2]
TRACKED = [
    REPOSITORY / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
]
TEXTS = [path for path in TRACKED if path.is_file() and path.suffix not in {".png", ".ico", ".woff2"}]
MODULES = [path for path in TEXTS if path.suffix == ".py"]
SOURCES = [path for path in MODULES if "src" in path.parts]

MOST_LINES = 250
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def lines_matching(pattern: str, paths: list[Path]) -> list[str]:
    expression = re.compile(pattern)
    return [
        f"{named(path)}:{number}: {line.strip()}"
        for path in paths
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if expression.search(line)
    ]


LONGER = {
    "mailer-service/src/mailer_service/worker/pipeline.py": "the whole attempt, to be read downward in one file"
}


def test_no_module_outgrows_its_reader() -> None:
    sizes = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {
        name: lines
        for name, lines in sizes.items()
        if lines > MOST_LINES and "/migrations/" not in name and name not in LONGER
    } == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [
        named(path) for path in SOURCES if path.stem in EMPTY_WORDS or path.parent.name in EMPTY_WORDS
    ] == []


def test_nothing_is_left_for_later() -> None:
    assert lines_matching(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError", MODULES) == []


def test_no_file_holds_a_path_of_somebodys_machine_or_the_host_of_a_package_index() -> None:
    assert (
        lines_matching(
            r"(?<![A-Za-z0-9_.])/(work|root|farm)/|pypi\.org|pythonhosted|deb\.debian\.org|npmjs\.org", TEXTS
        )
        == []
    )


def test_no_test_skips_or_sleeps() -> None:
    tests = [path for path in MODULES if "tests" in path.parts and "bench" not in path.parts]
    waiting = REPOSITORY / "tests" / "support" / "eventually.py"
    assert lines_matching(r"mark\.(skip|skipif|xfail)|pytest\.skip\(", tests) == []
    assert (
        lines_matching(r"(?<![.\w])time\.sleep\(|(?<![.\w])sleep\(", [p for p in tests if p != waiting]) == []
    )


def test_tests_never_patch_our_own_code() -> None:
    tests = [path for path in MODULES if "tests" in path.parts]
    assert lines_matching(r"unittest\.mock|mocker\.|monkeypatch\.setattr", tests) == []


@pytest.mark.parametrize("service", ["auth-service", "mailer-service"])
def test_queue_and_task_names_are_written_in_the_contract_only(service: str) -> None:
    inside = [path for path in SOURCES if path.is_relative_to(REPOSITORY / service)]
    assert inside
    known = {
        *TOPOLOGY.queues,
        *(exchange.name for exchange in TOPOLOGY.exchanges),
        *frozenset().union(*TASKS.values()),
    }
    names = rf"[\"']({'|'.join(map(re.escape, known))})[\"']"
    assert lines_matching(names, inside) == []


@pytest.mark.parametrize("make_target", ["make run", "make test"])
def test_the_readme_names_the_two_commands(make_target: str) -> None:
    assert make_target in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{named(page)} -> {target}"
        for page in TEXTS
        if page.suffix == ".md"
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_what_the_nursery_loads_is_there() -> None:
    """Whoever starts a fork server is not told of a name that leads nowhere; each birth would only take longer."""
    assert [name for name in nursery.LOADED if find_spec(name) is None] == []


WRITES_LETTERS = re.compile(
    r"\b(INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|TRUNCATE) (letters|attempts|interventions)\b"
)
LEDGER = "mailer-service/src/mailer_service/delivery/"


def test_only_the_ledger_writes_letters_attempts_and_interventions() -> None:
    mailer = [path for path in SOURCES if "mailer_service" in path.parts and "migrations" not in path.parts]
    texts = {named(path): path.read_text(encoding="utf-8") for path in mailer}
    writers = {name: Path(name).stem for name, text in texts.items() if WRITES_LETTERS.search(text)}
    importing = re.compile(rf"^\s*(?:from|import) .*\b({'|'.join(writers.values())})\b", re.MULTILINE)

    assert writers
    assert [
        name for name, text in texts.items() if importing.search(text) and not name.startswith(LEDGER)
    ] == []
    assert not [
        name for name, text in texts.items() if re.search(r"\b(insert|update|delete)\(LetterRow", text)
    ]

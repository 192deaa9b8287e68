"""The recipes of docs/letters.md and docs/topology.md, followed on a copy of the tree: complete, and nothing in them idle."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailer_service.smtp.server import read_servers

REPOSITORY = Path(__file__).parents[2]
SOURCES = [
    "shared/src",
    "auth-service/src",
    "mailer-service/src",
    "deploy/local/src",
    "deploy/rabbitmq/src",
    "tests",
]
COPIED = [*SOURCES, "docs", "deploy/rabbitmq/definitions.json", "pyproject.toml"]
RENDERING = "tests/unit/mailer_service/test_rendering.py::"
CHECKS = [
    "tests/unit/mail_contract/test_topology.py",
    "tests/unit/postern_rabbitmq/test_generated.py",
    "tests/unit/auth_service/test_outbox_ranks.py",
    "tests/contracts/test_messages.py",
    "tests/architecture/test_letters_page.py",
    "tests/architecture/test_settings_table.py",
    RENDERING + "test_every_letter_has_three_parts_in_every_language",
    RENDERING + "test_no_letter_has_a_language_the_others_lack",
    RENDERING + "test_text_and_html_have_the_same_links_and_nothing_is_hidden",
]
"""The cheap ones that a forgotten file fails."""

Step = Callable[[Path], None]


GENERATE = """
from pathlib import Path
from mail_contract.topology import TOPOLOGY
from postern_rabbitmq import definitions, diagram
Path("deploy/rabbitmq/definitions.json").write_text(definitions.as_text(TOPOLOGY), encoding="utf-8")
Path("docs/topology.md").write_text(diagram.diagram(TOPOLOGY), encoding="utf-8")
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the recipes touch and of what imports it, with a class and a letter more."""
    root = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        copy(name, root)
    for name, step in STEPS.items():
        step(root / name)
    run(root, "-c", GENERATE).check_returncode()
    return root


def copy(name: str, root: Path) -> None:
    source, target = REPOSITORY / name, root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "node_modules"))
    else:
        shutil.copy(source, target)


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(root / source) for source in SOURCES)
    return subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def check(root: Path) -> subprocess.CompletedProcess[str]:
    return run(root, "-m", "pytest", "-v", "-x", "-n", "0", "-p", "no:cacheprovider", *CHECKS)


def insert(before: str, text: str, *more: tuple[str, str]) -> Step:
    def step(path: Path) -> None:
        found = path.read_text(encoding="utf-8")
        for mark, words in ((before, text), *more):
            assert mark in found, mark
            found = found.replace(mark, words + mark, 1)
        path.write_text(found, encoding="utf-8")

    return step


def write_birthday(templates: Path) -> None:
    for language, words in {"en": "Happy birthday!", "vi": "Chúc mừng sinh nhật!"}.items():
        folder = templates / "birthday" / language
        folder.mkdir(parents=True)
        (folder / "subject.txt").write_text(f"{words}\n", encoding="utf-8")
        (folder / "body.txt").write_text(f"{words}\n\n{{{{ present | web_address }}}}\n", encoding="utf-8")
        (folder / "body.html").write_text(
            '{% extends "layout/letter.html" %}\n{% from "layout/parts.html" import button %}\n'
            f'{{% block title %}}{words}{{% endblock %}}\n{{% block body %}}{{{{ button(present, "🎁") }}}}{{% endblock %}}\n',
            encoding="utf-8",
        )


CLASS_STEPS: dict[str, Step] = {
    "shared/src/mail_contract/classes.py": insert(
        '    BULK = "bulk"\n',
        '    LEISURELY = "leisurely"\n    """Someone expects it this week."""\n',
        ("        LetterClass.BULK: ", "        LetterClass.LEISURELY: timedelta(seconds=0.3),\n"),
    ),
}
GENERATED = ("deploy/rabbitmq/definitions.json", "docs/topology.md")
BIRTHDAY = """\
    LetterDefinition(
        name=LetterName.BIRTHDAY,
        letter_class=LetterClass.LEISURELY,
        priority=0,
        lifetime=timedelta(days=2),
        context=Birthday,
    ),
"""
LETTER_STEPS: dict[str, Step] = {
    "shared/src/mail_contract/contexts.py": insert(
        "class AccountDisabled(",
        'class Birthday(LetterContext):\n    """Congratulates."""\n\n    present: str\n\n\n',
    ),
    "shared/src/mail_contract/letters.py": insert(
        "    ConfirmEmail,\n",
        "    Birthday,\n",
        ('    RESET_PASSWORD = "', '    BIRTHDAY = "birthday"\n'),
        (
            "    LetterDefinition(\n        name=LetterName.TERMS_CHANGED,\n",
            BIRTHDAY,
        ),
    ),
    "mailer-service/src/mailer_service/templates": write_birthday,
    "mailer-service/src/mailer_service/letters/examples.py": insert(
        "    ConfirmEmail,\n",
        "    Birthday,\n",
        ("            ConfirmEmail(", '            Birthday(present=f"{BASE}/present"),\n'),
    ),
    "docs/letters.md": insert(
        "| `terms_changed` |", "| `birthday` | leisurely | 2 days | congratulations |\n"
    ),
}
STEPS = {**CLASS_STEPS, **LETTER_STEPS}


def recipe(page: str, heading: str) -> Iterator[str]:
    """The files that a page's numbered list names."""
    section = (
        (REPOSITORY / page).read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    )
    for target in re.findall(r"^\d+\. \[[^]]+\]\(([^)]+)\)", section, flags=re.MULTILINE):
        yield str(Path(os.path.normpath(Path(page).parent / target)))


def test_the_pages_name_exactly_the_files_that_a_class_and_a_letter_touch() -> None:
    of_a_class, of_a_letter = (
        list(recipe("docs/topology.md", "Adding a class")),
        list(recipe("docs/letters.md", "Adding one")),
    )
    assert of_a_class == [*CLASS_STEPS, *GENERATED]
    assert of_a_letter == list(LETTER_STEPS)
    assert len(of_a_class) <= 5
    assert len(of_a_letter) <= 6


def test_a_provider_is_a_url_more() -> None:
    page = (REPOSITORY / "docs" / "providers.md").read_text(encoding="utf-8")
    example = re.search(r'^MAILER_SMTP_URL="([^"]+)"$', page, flags=re.MULTILINE)
    assert example
    servers = read_servers(example[1])
    more = read_servers(f"{example[1]} smtp://third.example")
    assert list(more)[:-1] == list(servers)
    assert more[-1].host == "third.example"


@pytest.mark.slow
def test_a_class_and_a_letter_added_by_the_recipes_pass_every_check(tree: Path) -> None:
    checked = check(tree)
    assert checked.returncode == 0, checked.stdout
    assert "birthday-vi" in checked.stdout


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("forgotten", [*STEPS, *GENERATED])
def test_a_file_forgotten_is_noticed(tree: Path, forgotten: str, tmp_path: Path) -> None:
    place, aside = tree / forgotten, tmp_path / "aside"
    place.rename(aside)
    copy(forgotten, tree)
    assert check(tree).returncode != 0
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    aside.rename(place)

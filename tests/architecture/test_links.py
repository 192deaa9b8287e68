"""Every path, link, `make` target and command that the pages name is there."""

import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from pathlib import Path

import click
import pytest

from architecture.test_house_rules import REPOSITORY, TRACKED, named
from auth_service.cli.cli import commands as auth_service
from dev_inbox.cli import main as dev_inbox
from mailer_service.cli.main import main as mailer_service
from postern_local.cli import main as postern_local
from postern_rabbitmq.cli import main as postern_topology

PAGES = [path for path in TRACKED if path.suffix == ".md" and path.is_file()]
FILES = frozenset(named(path) for path in TRACKED if path.is_file())
FOLDERS = frozenset(str(parent) for name in FILES for parent in Path(name).parents)
COMMANDS: dict[str, click.Command] = {
    "auth-service": auth_service,
    "mailer-service": mailer_service,
    "postern-topology": postern_topology,
    "postern-local": postern_local,
    "dev-inbox": dev_inbox,
}
MADE_AT_RUN_TIME = {
    *(
        "stack.json",
        "operator.env",
        "passwords.json",
        "ports.json",
        "addresses.txt",
        "postgresql.conf",
        "index.html",
        "dkim.private.pem",
        "hash.key",
        "sealing.private.json",
        "tokens.private.json",
        "signing.private.json",
        "signing.public.json",
        "sealing.private.json",
        "sealing.public.json",
        "mailer-hash.key",
        "replicas.json",
    ),
}
"""Files a page may name though nobody wrote them down here: of a running stack, of servers, of the reader."""

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", flags=re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)(.+?)\1")
SUFFIXES = "py|md|sh|sql|json|yml|toml|conf|txt|js|css|html|env|key"
FILE_NAME = re.compile(rf"(?:[\w.*{{}},-]+/)*[\w.*-]+\.(?:{SUFFIXES})")
FOLDER_NAME = re.compile(r"(?:auth-service|mailer-service|shared|deploy|tests|docs|requirements)/[\w./-]*")
MODULE_NAME = re.compile(r"(?:auth_service|mailer_service|mail_contract|postern_local|dev_inbox)(?:\.\w+)+")
MAKE = re.compile(r"\bmake (?=[a-z])([a-z-]+)")
MAKE_CALL = re.compile(r"\bmake (?=[a-z])([^`|;&#<>\n]*)")
ASSIGNED = re.compile(r"\b(\w+)=")
CALL = re.compile(
    rf"^\s*(?:\$ )?(?:\w+=\S+ )*(?:docker compose (?:exec|run) (?:-\S+ )*\S+ |kubectl .* -- (?:env \w+=\S+ )?)?({'|'.join(COMMANDS)}) ([^`|;&#<>\n]*)",
    flags=re.MULTILINE,
)


def code(page: Path) -> Iterator[str]:
    """What is set as code on the page: spans, and blocks with continued lines made one."""
    text = page.read_text(encoding="utf-8")
    for block in FENCE.findall(text):
        yield block.replace("\\\n", " ")
    for _, span in SPAN.findall(FENCE.sub("", text)):
        yield span


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub gives to a page's headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    found: set[str] = set()
    for heading in headings:
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        repeated = sum(other == anchor or other.startswith(f"{anchor}-") for other in found)
        found.add(f"{anchor}-{repeated}" if anchor in found else anchor)
    return frozenset(found)


def links(page: Path) -> Iterator[str]:
    """Where the page's links lead, as written."""
    for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        yield match[1] or match[2]


def is_there(name: str) -> bool:
    """Whether the repository has such a file: by its path, by the end of it, or one that a pattern names."""
    if name.removeprefix("./") in FILES or Path(name).name in MADE_AT_RUN_TIME:
        return True
    return any(fnmatch(path, name) or fnmatch(path, f"*/{name}") for path in FILES)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        inside = str(place.relative_to(REPOSITORY)) if place.is_relative_to(REPOSITORY) else ""
        if inside not in FILES | FOLDERS or (
            anchor and place.suffix == ".md" and anchor not in anchors(place)
        ):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_and_folder_named_is_there(page: Path) -> None:
    spans = [span for span in code(page) if "\n" not in span]
    files = [span for span in spans if FILE_NAME.fullmatch(span)]
    folders = [span for span in spans if FOLDER_NAME.fullmatch(span) and not FILE_NAME.fullmatch(span)]
    assert [name for name in files if not is_there(name)] == []
    assert [name for name in folders if name.rstrip("/") not in FOLDERS | FILES] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_module_and_name_in_it_is_there(page: Path) -> None:
    missing = []
    for name in (span for span in code(page) if MODULE_NAME.fullmatch(span)):
        module, _, attribute = name.rpartition(".")
        try:
            import_module(name)
        except ModuleNotFoundError:
            if not hasattr(import_module(module), attribute):
                missing.append(name)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_named_is_there(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named_here = {target for piece in code(page) for target in MAKE.findall(piece)}
    assert named_here <= targets


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_variable_given_to_make_is_one_that_the_makefile_reads(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    given = {
        name for piece in code(page) for words in MAKE_CALL.findall(piece) for name in ASSIGNED.findall(words)
    }
    assert [name for name in given if f"$({name})" not in makefile] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_in_a_block_can_be_given_as_it_stands(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTERN_ACTOR", "linh")  # as the pages ask for where they begin
    text = page.read_text(encoding="utf-8")
    wrong = [
        f"{program} {words.strip()}: {flaw}"
        for block in FENCE.findall(text)
        for program, words in CALL.findall(block.replace("\\\n", " "))
        if not {*"…["} & {*words} and (flaw := refusal_of(COMMANDS[program], shlex.split(words)))
    ]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_and_option_named_is_there(page: Path) -> None:
    wrong = [
        f"{program} {words.strip()}: {flaw}"
        for piece in code(page)
        for program, words in CALL.findall(piece)
        if (flaw := flaw_of(COMMANDS[program], words.split()))
    ]
    assert wrong == []


def refusal_of(command: click.Command, words: list[str]) -> str | None:
    """What the command line would say to these words before it does anything; files that are the reader's need not be there."""
    try:
        context = command.make_context(command.name, list(words))
        if isinstance(command, click.Group) and (rest := [*context._protected_args, *context.args]):
            _, found, left = command.resolve_command(context, rest)
            return refusal_of(found, left) if found else f"no command {rest[0]}"
    except click.exceptions.Exit:
        return None
    except click.BadParameter as error:
        return None if isinstance(error.param and error.param.type, click.Path) else error.format_message()
    except click.UsageError as error:
        return error.format_message()
    return None


def flaw_of(command: click.Command, words: list[str]) -> str | None:
    """The first word that the command line would not know."""
    context = click.Context(command)
    while isinstance(command, click.Group) and words and re.fullmatch("[a-z][a-z-]*", words[0]):
        found = command.get_command(context, words[0])
        if found is None:
            return f"no command {words[0]}"
        command, words = found, words[1:]
    if isinstance(command, click.Group):
        return None
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    options = {word.strip("[]").partition("=")[0] for word in words if word.lstrip("[").startswith("--")}
    return next((f"no option {option}" for option in sorted(options - known - {"--help"})), None)

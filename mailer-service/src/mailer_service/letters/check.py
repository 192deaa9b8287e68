"""Every letter in every language, tried before the first one is sent: a broken template stops the start, by name."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, meta, nodes

from mail_contract.letters import LETTERS, LetterName
from mailer_service.errors import BrokenTemplates
from mailer_service.letters.brand import Brand
from mailer_service.letters.environment import build_environment
from mailer_service.letters.examples import EXAMPLES
from mailer_service.letters.renderer import PARTS, Renderer

_SAID_OF_ALL = frozenset({"language", "closing", "validity"})
_JINJAS_OWN = frozenset({"caller", "self", "super", "loop", "varargs", "kwargs"})
_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: frozenset(definition.context.model_fields) for name, definition in LETTERS.items()}
)
MOST_OCTETS = 100_000
"""Of a letter's HTML: Gmail cuts a message at 102 kB."""


def check_letters(renderer: Renderer) -> None:
    """Renders every letter with its example; raises BrokenTemplates that names every file and reason.

    Of an overlay it also reads what no example comes to, and finds names that letters do not have and files that no letter
    uses.
    """
    flaws = [] if renderer.overlay is None else [*_overlay_flaws(renderer.overlay, renderer.brand)]
    flaws += _unrendered(renderer)
    if flaws:
        raise BrokenTemplates(list(dict.fromkeys(flaws)))


def _unrendered(renderer: Renderer) -> Iterator[str]:
    for letter in LetterName:
        fields, lifetime = EXAMPLES[letter].model_dump(), LETTERS[letter].lifetime
        for language in renderer.languages(letter):
            try:
                rendering = renderer.write(letter, language, fields, validity=lifetime)
            except Exception as error:  # noqa: BLE001 - whatever a template does, it is named
                yield flaw_of(f"{letter}/{language}", error)
                continue
            if len(rendering.subject.splitlines()) != 1:
                yield f"{letter}/{language}/subject.txt: must be one line"
            if not rendering.text.strip():
                yield f"{letter}/{language}/body.txt: is empty"
            if len(rendering.html.encode()) > MOST_OCTETS:
                yield f"{letter}/{language}/body.html: is longer than {MOST_OCTETS} octets"


def _overlay_flaws(overlay: Path, brand: Brand) -> Iterator[str]:
    environment = build_environment(brand, overlay=overlay)
    for path in sorted(path for path in overlay.rglob("*") if path.suffix in {".txt", ".html"}):
        name = path.relative_to(overlay).as_posix()
        known = _known_in(name.split("/"))
        if known is None:
            yield f"{name}: no letter uses this file; it must be <letter>/<language>/{'|'.join(PARTS)} or in layout/"
            continue
        try:
            parsed = environment.parse(path.read_text(encoding="utf-8"))
            undeclared = meta.find_undeclared_variables(parsed)
        except (TemplateError, OSError, UnicodeDecodeError) as error:
            yield flaw_of(name, error)
            continue
        given = known | _made_in(parsed) | _JINJAS_OWN | environment.globals.keys()
        for unknown in sorted(undeclared - given):
            yield f"{name}: '{unknown}' is undefined; there are {', '.join(sorted(known))}"


def _made_in(parsed: nodes.Template) -> set[str]:
    """Returns the names that a template sets or imports itself: Jinja does not see them from inside a block."""
    made = {node.name for node in parsed.find_all(nodes.Name) if node.ctx != "load"}
    made |= {node.name for node in parsed.find_all(nodes.Macro)}
    made |= {node.target for node in parsed.find_all(nodes.Import)}
    for node in parsed.find_all(nodes.FromImport):
        made |= {name if isinstance(name, str) else name[1] for name in node.names}
    return made


def _known_in(parts: Sequence[str]) -> frozenset[str] | None:
    """Returns the names that a template may use; None if it belongs to nothing."""
    match parts:
        case ["layout", *_]:
            return _SAID_OF_ALL.union(*_FIELDS.values())
        case [letter, _, part] if letter in _FIELDS and part in PARTS:
            return _SAID_OF_ALL | _FIELDS[letter]
        case _:
            return None


def flaw_of(name: str, error: Exception) -> str:
    """Returns the line.

    Args:
        name: of the template that was to be loaded or rendered, such as `verify_address/vi/body.txt`.
        error: what came of it; its place may be in a template that this one uses.
    """
    if isinstance(error, TemplateNotFound):
        return f"{name}: there is no {error.name}"
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or name}, line {error.lineno}: {error.message}"
    if isinstance(error, UnicodeDecodeError):
        return f"{name}: is not UTF-8"
    if isinstance(error, OSError):
        return f"{name}: cannot be read: {error.strerror}"
    words = str(error) if type(error).__module__.startswith("jinja2") else f"{type(error).__name__}: {error}"
    return f"{_place(error) or name}: {words}"


def _place(error: Exception) -> str | None:
    """Returns the template and the line that raised it; Jinja writes both into the traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.suffix in {".txt", ".html"}:
            return f"{path.parent.parent.name}/{path.parent.name}/{path.name}, line {frame.lineno}"
    return None

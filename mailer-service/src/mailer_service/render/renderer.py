"""Templates to letters. Values are data: never parsed, always escaped, and a missing one is an error, not a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError, select_autoescape
from pydantic import ValidationError

from mail_contract.letters import LETTERS, LetterName
from mail_contract.messages import EnvelopeHeader
from mailer_service.errors import BadContext
from mailer_service.render.locales import choose
from mailer_service.render.plain import one_line
from mailer_service.render.rendering import Rendering
from mailer_service.render.words import (
    closing_words,
    day_in_words,
    describe,
    device_in_words,
    moment_in_words,
)

TEMPLATES = Path(__file__).parents[1] / "templates"
PARTS = ("subject.txt", "body.txt", "body.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    subject: Template
    text: Template
    html: Template


class Renderer:
    """Holds every letter's templates, compiled once; may be used by any number of threads."""

    def __init__(self, *, product_name: str, templates: Path = TEMPLATES) -> None:
        environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            finalize=one_line,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters["web_address"] = web_address
        environment.filters["day"] = day_in_words
        environment.filters["moment"] = moment_in_words
        environment.filters["device"] = device_in_words
        environment.globals["product"] = product_name
        self._letters: Mapping[LetterName, Mapping[str, _Parts]] = {
            letter: {
                folder.name: _Parts(
                    **{
                        field: _loaded(environment, f"{letter}/{folder.name}/{part}")
                        for field, part in zip(("subject", "text", "html"), PARTS, strict=True)
                    }
                )
                for folder in sorted((templates / letter).iterdir())
                if folder.is_dir()
            }
            for letter in LetterName
        }

    def languages(self, letter: LetterName) -> Sequence[str]:
        """Returns the languages that the letter is written in."""
        return tuple(self._letters[letter])

    def render(self, header: EnvelopeHeader, context: Mapping[str, str]) -> Rendering:
        """Returns the letter in words.

        Args:
            header: of its envelope: which letter, which language.
            context: the fields of the letter's context, from the sealed part.

        Raises:
            BadContext: a field is missing, superfluous or not fit for the letter.
        """
        definition = LETTERS[header.letter]
        try:
            fields = definition.context.model_validate(dict(context)).model_dump()
        except ValidationError:
            raise BadContext(header.letter) from None
        languages = self._letters[header.letter]
        language = choose(header.locale, languages.keys())
        values = {
            **fields,
            "language": language,
            "closing": closing_words(language),
            "validity": describe(header.expires_at - header.created_at, language),
        }
        parts = languages[language]
        try:
            return Rendering(
                subject=parts.subject.render(values).strip(),
                text=parts.text.render(values).strip() + "\n",
                html=parts.html.render(values).strip() + "\n",
                language=language,
            )
        except TemplateError as error:
            raise BadContext(f"{header.letter}: {type(error).__name__}") from None


def _loaded(environment: Environment, name: str) -> Template:
    template = environment.get_template(name)
    # Every rendering copies them, and Jinja leaves a chain of mappings, which is slow to copy.
    template.globals = dict(template.globals)
    return template


def web_address(value: str) -> str:
    """Passes an http(s) address on; raises BadContext for anything else, such as `javascript:`."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(mark in value for mark in " <>\"'"):
        raise BadContext("not a web address")
    return value

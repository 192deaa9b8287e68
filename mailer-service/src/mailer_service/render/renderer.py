"""Templates to letters. Values are data: never parsed, always escaped, and a missing one is an error, not a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jinja2 import Environment, Template, TemplateError
from pydantic import ValidationError

from mail_contract.letters import LETTERS, LetterName
from mail_contract.messages import EnvelopeHeader
from mailer_service.errors import BadContext, BrokenTemplates
from mailer_service.render.brand import Brand
from mailer_service.render.environment import build_environment, roots
from mailer_service.render.flaws import flaw_of
from mailer_service.render.locales import choose
from mailer_service.render.rendering import Rendering
from mailer_service.render.words import closing_words, describe

PARTS = ("subject.txt", "body.txt", "body.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    subject: Template
    text: Template
    html: Template


class Renderer:
    """Holds every letter's templates, compiled once; may be used by any number of threads."""

    def __init__(self, brand: Brand, *, overlay: Path | None = None) -> None:
        """Compiles the templates; raises BrokenTemplates where one is missing or cannot be read.

        Args:
            brand: what an application gives its letters.
            overlay: a directory whose files stand in for the package's; it may have more languages.
        """
        self.overlay = overlay
        self.brand = brand
        environment = build_environment(brand, overlay=overlay)
        flaws: list[str] = []
        self._letters: Mapping[LetterName, Mapping[str, _Parts]] = {
            letter: {
                language: parts
                for language in _languages(letter, overlay)
                if (parts := _load(environment, f"{letter}/{language}", flaws)) is not None
            }
            for letter in LetterName
        }
        if flaws:
            raise BrokenTemplates(flaws)

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
        try:
            fields = LETTERS[header.letter].context.model_validate(dict(context)).model_dump()
        except ValidationError:
            raise BadContext(header.letter) from None
        language = choose(header.locale, self._letters[header.letter].keys())
        try:
            return self.write(header.letter, language, fields, validity=header.expires_at - header.created_at)
        except TemplateError as error:
            raise BadContext(f"{header.letter}: {type(error).__name__}") from None

    def write(
        self, letter: LetterName, language: str, fields: Mapping[str, str], *, validity: timedelta
    ) -> Rendering:
        """Returns the letter in one of its languages; raises whatever its templates do.

        Args:
            letter: which.
            language: one of those it is written in.
            fields: of its context.
            validity: how long it works.
        """
        closing = closing_words(language, replies=self.brand.replies)
        values = {
            **fields,
            "language": language,
            "closing": f"{closing} {self.brand.footer}".rstrip(),
            "validity": describe(validity, language),
        }
        parts = self._letters[letter][language]
        return Rendering(
            subject=parts.subject.render(values).strip(),
            text=parts.text.render(values).strip() + "\n",
            html=parts.html.render(values).strip() + "\n",
            language=language,
        )


def _languages(letter: LetterName, overlay: Path | None) -> Sequence[str]:
    folders = [root / letter for root in roots(overlay) if (root / letter).is_dir()]
    return sorted({found.name for folder in folders for found in folder.iterdir() if found.is_dir()})


def _load(environment: Environment, folder: str, flaws: list[str]) -> _Parts | None:
    """Returns the three parts, or adds what is wrong with them to the flaws."""
    found = []
    for part in PARTS:
        name = f"{folder}/{part}"
        try:
            template = environment.get_template(name)
        except (TemplateError, OSError, UnicodeDecodeError) as error:
            flaws.append(flaw_of(name, error))
            continue
        # Every rendering copies them, and Jinja leaves a chain of mappings, which is slow to copy.
        template.globals = dict(template.globals)
        found.append(template)
    if len(found) < len(PARTS):
        return None
    subject, text, html = found
    return _Parts(subject=subject, text=text, html=html)

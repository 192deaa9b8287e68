"""Templates to letters. Values are data: never parsed, always escaped, and a missing one is an error, not a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from jinja2 import Template, TemplateError
from pydantic import ValidationError

from mail_contract.letters import LETTERS, LetterName
from mail_contract.messages import EnvelopeHeader
from mailer_service.errors import BadContext
from mailer_service.letters.brand import Brand
from mailer_service.letters.environment import build_environment, roots
from mailer_service.letters.form import Form, Gap
from mailer_service.letters.words import closing_words, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The three parts of a letter and the language they are in.

    Attributes:
        subject: one line.
        text: the plain part.
        html: the HTML part.
        language: BCP 47, as found among the templates.
    """

    subject: str
    text: str
    html: str
    language: str


DEFAULT = "en"


def choose(wanted: str, available: AbstractSet[str]) -> str:
    """Returns the best of the available languages by RFC 4647 lookup: `vi-VN` finds `vi`; whatever else finds English.

    Args:
        wanted: a BCP 47 tag, in any case, also with underscores; anything else is harmless.
        available: tags as the templates' folders are named.
    """
    by_folded = {tag.casefold(): tag for tag in available}
    subtags = wanted.replace("_", "-").casefold().split("-")
    while subtags:
        found = by_folded.get("-".join(subtags))
        if found is not None:
            return found
        subtags.pop()
    return DEFAULT


PARTS = ("subject.txt", "body.txt", "body.html")


class Renderer:
    """Holds every letter's templates, each compiled when it is first needed; any number of threads may use it.

    The package's own are rendered once, as forms. An operator's may do with a value whatever they like, so where there is
    an overlay every letter is rendered anew.
    """

    def __init__(self, brand: Brand, *, overlay: Path | None = None) -> None:
        """Finds the templates.

        Args:
            brand: what an application gives its letters.
            overlay: a directory whose files stand in for the package's; it may have more languages.
        """
        self.overlay = overlay
        self.brand = brand
        self._environment = build_environment(brand, overlay=overlay)
        self._languages: Mapping[LetterName, Sequence[str]] = {
            letter: _languages(letter, overlay) for letter in LetterName
        }
        self._loaded: dict[tuple[LetterName, str], Sequence[Template]] = {}
        self._forms: dict[tuple[LetterName, str, frozenset[str]], Form] = {}

    def languages(self, letter: LetterName) -> Sequence[str]:
        """Returns the languages that the letter is written in."""
        return self._languages[letter]

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
        language = choose(header.locale, frozenset(self._languages[header.letter]))
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
        values = {**fields, "validity": describe(validity, language)}
        subject, text, html = (
            self._rendered(letter, language, values)
            if self.overlay is not None
            else self._form(letter, language, values).filled(values)
        )
        return Rendering(
            subject=subject.strip(),
            text=text.strip() + "\n",
            html=html.strip() + "\n",
            language=language,
        )

    def _form(self, letter: LetterName, language: str, values: Mapping[str, str]) -> Form:
        """Returns the letter's form where these of its values are empty."""
        key = letter, language, frozenset(name for name, value in values.items() if not value)
        found = self._forms.get(key)
        if found is None:
            found = self._forms[key] = Form(partial(self._rendered, letter, language), values)
        return found

    def _rendered(self, letter: LetterName, language: str, values: Mapping[str, str | Gap]) -> Sequence[str]:
        closing = f"{closing_words(language, replies=self.brand.replies)} {self.brand.footer}".rstrip()
        known = {**values, "language": language, "closing": closing}
        return [template.render(known) for template in self._templates(letter, language)]

    def _templates(self, letter: LetterName, language: str) -> Sequence[Template]:
        found = self._loaded.get((letter, language))
        if found is None:
            found = tuple(self._load(f"{letter}/{language}/{part}") for part in PARTS)
            self._loaded[letter, language] = found
        return found

    def _load(self, name: str) -> Template:
        template = self._environment.get_template(name)
        # Every rendering copies them, and Jinja leaves a chain of mappings, which is slow to copy.
        template.globals = dict(template.globals)
        return template


def _languages(letter: LetterName, overlay: Path | None) -> Sequence[str]:
    folders = [root / letter for root in roots(overlay) if (root / letter).is_dir()]
    return tuple(sorted({found.name for folder in folders for found in folder.iterdir() if found.is_dir()}))

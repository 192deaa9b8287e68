"""A letter filled in says what its templates would have said."""

from collections.abc import Mapping

import pytest
from jinja2 import Environment

from mail_contract.letters import LETTERS, LetterName
from mailer_service.errors import BadContext
from mailer_service.letters.brand import Brand
from mailer_service.letters.environment import TEMPLATES
from mailer_service.letters.form import Form, Gap
from mailer_service.letters.renderer import Renderer, Rendering
from support.outgoing import CODE, CONTEXTS

BRAND = Brand(name="Tom & Söhne", footer="1 <Way>")
FILLED = Renderer(BRAND)
RENDERED = Renderer(BRAND, overlay=TEMPLATES)
"""Of an overlay's letters there are no forms."""
OTHERS = {
    "code": "<b>1\u202e2\x003\n45678",
    "device": "Opera on <i>",
    "place": "::1",
    "new_address": "b…@example.com",
}


def readers(letter: LetterName) -> list[Mapping[str, str]]:
    """One whose letter makes the form, one of whom all that may be unknown is, and another one with other values."""
    first = CONTEXTS[letter]
    optional = {
        name for name, field in LETTERS[letter].context.model_fields.items() if not field.is_required()
    }
    bare = [{**first, name: ""} for name in optional] + [{**first, **dict.fromkeys(optional, "")}]
    return [first, *bare, {name: OTHERS.get(name, value) for name, value in first.items()}]


def said(
    renderer: Renderer, letter: LetterName, language: str, context: Mapping[str, str]
) -> Rendering | str:
    """The letter, or what speaks against it."""
    try:
        return renderer.write(letter, language, context, validity=LETTERS[letter].lifetime)
    except BadContext as error:
        return str(error)


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("letter", list(LetterName))
def test_a_letter_filled_in_is_the_letter_rendered(letter: LetterName, language: str) -> None:
    for context in readers(letter):
        assert said(FILLED, letter, language, context) == said(RENDERED, letter, language, context)
    assert isinstance(said(FILLED, letter, language, CONTEXTS[letter]), Rendering)


@pytest.mark.parametrize("words", ["{{ code == '1' }}", "{{ code | length }}", "{{ code + '1' }}"])
def test_a_template_that_asks_what_a_value_is_makes_no_form(words: str) -> None:
    template = Environment(autoescape=True).from_string(words)

    def write(fields: Mapping[str, str | Gap]) -> list[str]:
        return [template.render(fields)]

    with pytest.raises(TypeError):
        Form(write, {"code": CODE})

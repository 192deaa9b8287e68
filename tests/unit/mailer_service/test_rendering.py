"""Letters in words."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_contract.letters import LetterName
from mailer_service.errors import BadContext
from mailer_service.render.dates import day_in_words
from mailer_service.render.durations import describe
from mailer_service.render.locales import choose
from mailer_service.render.renderer import PARTS, TEMPLATES
from mailer_service.smtp.message import compose
from support.outgoing import CODE, CONTEXTS, LINK, RENDERER, SENDER, header, outgoing

LANGUAGES = ("en", "vi")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", list(LetterName))
def test_every_letter_has_three_parts_in_every_language(letter: LetterName, language: str) -> None:
    folder = TEMPLATES / letter / language
    assert sorted(path.name for path in folder.iterdir()) == sorted(PARTS)
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    assert rendering.language == language
    assert rendering.subject
    assert "\n" not in rendering.subject
    assert f'<html lang="{language}">' in rendering.html
    assert rendering.text.strip()


def test_no_letter_has_a_language_the_others_lack() -> None:
    found = {letter: {folder.name for folder in (TEMPLATES / letter).iterdir()} for letter in LetterName}
    assert set(map(frozenset, found.values())) == {frozenset(LANGUAGES)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_link_and_code_are_in_both_parts(language: str) -> None:
    letter = LetterName.VERIFY_ADDRESS
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    assert LINK in rendering.text
    assert CODE in rendering.text
    assert rendering.html.count(f'href="{LINK}"') == 1
    without_tags = rendering.html.replace("</span><span>", "")
    assert CODE in without_tags
    assert CODE not in rendering.subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", list(LetterName))
def test_no_letter_loads_anything_or_is_too_large(letter: LetterName, language: str) -> None:
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    for forbidden in ("<img", "<script", "<link", "src=", "@import", "url("):
        assert forbidden not in rendering.html
    assert len(compose(outgoing(rendering=rendering), SENDER).octets) < 100_000


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", list(LetterName))
def test_every_letter_has_one_link_the_same_in_both_parts_and_nothing_hidden(
    letter: LetterName, language: str
) -> None:
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    (address,) = re.findall(r"https?://\S+", rendering.text)
    assert re.findall(r'href="([^"]*)"', rendering.html) == [address]
    assert rendering.html.count("://") == 1
    for hiding in ("display:none", "visibility:", "font-size:0", "opacity", "<!--"):
        assert hiding not in rendering.html


def test_templates_in_a_value_stay_text() -> None:
    context = {"link": "http://gate.example/{{7*7}}", "code": "{{7*7}}"}
    rendering = RENDERER.render(header(), context)
    assert "{{7*7}}" in rendering.text
    assert "49" not in rendering.text


def test_markup_in_a_value_is_escaped_in_html() -> None:
    rendering = RENDERER.render(header(), {"link": LINK, "code": "<b>&'\""})
    assert "<b>" not in rendering.html
    assert "&lt;b&gt;" in rendering.html


@given(st.text(max_size=200))
def test_no_value_starts_a_line_of_its_own(value: str) -> None:
    plain = RENDERER.render(header(), {"link": LINK, "code": ""}).text
    rendering = RENDERER.render(header(), {"link": LINK, "code": f"1\r\n2\n{value}\u2028\u202e"})
    assert rendering.text.count("\n") == plain.count("\n")
    assert len(rendering.text.splitlines()) == len(plain.splitlines())
    assert "\u202e" not in rendering.text


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"link": LINK},
        {"link": LINK, "code": CODE, "more": "x"},
        {"link": "javascript:alert(1)", "code": CODE},
        {"link": 'http://gate.example/"onclick="x', "code": CODE},
        {"link": "", "code": CODE},
    ],
)
def test_a_context_that_does_not_fit_is_refused_without_being_quoted(context: dict[str, str]) -> None:
    with pytest.raises(BadContext) as caught:
        RENDERER.render(header(), context)
    assert CODE not in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("vi", "vi"),
        ("vi-VN", "vi"),
        ("vi_VN", "vi"),
        ("VI-vn", "vi"),
        ("vi-Latn-VN-x-a", "vi"),
        ("en-GB", "en"),
        ("de", "en"),
        ("", "en"),
        ("-", "en"),
        ("../../etc", "en"),
        ("vietnamese", "en"),
    ],
)
def test_the_language_falls_back_step_by_step_to_english(wanted: str, found: str) -> None:
    assert choose(wanted, {"en", "vi"}) == found


@pytest.mark.parametrize(
    ("duration", "language", "words"),
    [
        (timedelta(hours=24), "en", "24 hours"),
        (timedelta(hours=24), "vi", "24 giờ"),
        (timedelta(minutes=30), "en", "30 minutes"),
        (timedelta(minutes=90), "en", "90 minutes"),
        (timedelta(minutes=1), "en", "1 minute"),
        (timedelta(hours=2, minutes=59), "vi", "2 giờ"),
    ],
)
def test_a_validity_never_promises_more_than_there_is(duration: timedelta, language: str, words: str) -> None:
    assert describe(duration, language) == words


@pytest.mark.parametrize(
    ("day", "language", "words"),
    [
        ("2027-01-31", "en", "31 January 2027"),
        ("2027-12-01", "en", "1 December 2027"),
        ("2027-02-03", "vi", "ngày 3 tháng 2 năm 2027"),
    ],
)
def test_a_day_is_written_so_that_nobody_takes_the_month_for_the_day(
    day: str, language: str, words: str
) -> None:
    assert day_in_words(day, language) == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_terms_letter_says_in_all_its_parts_from_when_they_apply(language: str) -> None:
    letter = LetterName.TERMS_CHANGED
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    for part in (rendering.subject, rendering.text, rendering.html):
        assert day_in_words("2027-01-31", language) in part
    assert rendering.html.count('href="https://gate.example/terms/2027"') == 1


@pytest.mark.parametrize("day", ["", "soon", "2027-02-30", "31.1.2027", "1"])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    context = {"url": "https://gate.example/terms", "applies_on": day}
    with pytest.raises(BadContext):
        RENDERER.render(header(LetterName.TERMS_CHANGED), context)

"""Letters in words."""

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_contract.letters import LetterName
from mailer_service.errors import BadContext
from mailer_service.letters.environment import TEMPLATES
from mailer_service.letters.renderer import PARTS, choose
from mailer_service.letters.words import day_in_words, describe, moment_in_words
from support.outgoing import CODE, CONTEXTS, LINK, RENDERER, SENDER, composed, header, outgoing

LANGUAGES = ("en", "vi")
RECORDED = Path(__file__).parents[2] / "contracts" / "messages"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", list(LetterName))
def test_every_letter_has_three_parts_in_every_language(letter: LetterName, language: str) -> None:
    folder = TEMPLATES / letter / language
    assert sorted(path.name for path in folder.iterdir()) == sorted(PARTS)
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    assert rendering.language == language
    assert rendering.subject
    assert "\n" not in rendering.subject
    assert f'<html lang="{language}" dir="ltr">' in rendering.html
    # Gmail replaces <body>, and what stands on it.
    assert re.search(rf'<body [^>]*>\n<div lang="{language}" dir="ltr">', rendering.html)
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
    assert CONTEXTS[letter]["refusal"] in rendering.text
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
    assert len(composed(outgoing(rendering=rendering), SENDER).octets) < 100_000


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", list(LetterName))
def test_text_and_html_have_the_same_links_and_nothing_is_hidden(letter: LetterName, language: str) -> None:
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    addresses = re.findall(r"https?://\S+", rendering.text)
    assert sorted(addresses) == sorted(links(letter))
    assert re.findall(r'href="([^"]*)"', rendering.html) == addresses
    assert rendering.html.count("://") == len(addresses)
    for hiding in ("display:none", "visibility:", "font-size:0", "opacity", "<!--"):
        assert hiding not in rendering.html


def links(letter: LetterName) -> list[str]:
    return [value for value in CONTEXTS[letter].values() if value.startswith("https://")]


def visible(html: str) -> str:
    """The words of an HTML part in their order, as a preview shows them."""
    body = html[html.index("<body") :]
    return " ".join(unescape(re.sub(r"<[^>]*>", "\0", body)).replace("\0", "").split())


FIRST = {
    ("verify_address", "en"): "48215937 is your verification code. It works for 24 hours.",
    ("verify_address", "vi"): "48215937 là mã xác nhận của bạn. Mã có hiệu lực trong 24 giờ.",
    ("registration_reminder", "en"): "48215937 is your verification code. It works for 24 hours.",
    ("registration_reminder", "vi"): "48215937 là mã xác nhận của bạn. Mã có hiệu lực trong 24 giờ.",
    ("sign_in_link", "en"): "48215937 is your sign-in code. It works for 10 minutes.",
    ("sign_in_link", "vi"): "48215937 là mã đăng nhập của bạn. Mã có hiệu lực trong 10 phút.",
    ("reset_password", "en"): "Choose a new password within 30 minutes",
    ("reset_password", "vi"): "Hãy đặt mật khẩu mới trong vòng 30 phút",
    ("confirm_email", "en"): "Confirm this email address within 24 hours",
    ("confirm_email", "vi"): "Hãy xác nhận địa chỉ email này trong vòng 24 giờ",
}


@pytest.mark.parametrize(("letter", "language"), FIRST)
def test_the_first_words_are_the_code_and_how_long_it_works(letter: str, language: str) -> None:
    rendering = RENDERER.render(header(LetterName(letter), locale=language), CONTEXTS[LetterName(letter)])
    assert rendering.text.startswith(FIRST[letter, language])
    assert visible(rendering.html).startswith(FIRST[letter, language])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", [name for name in LetterName if name is not LetterName.TERMS_CHANGED])
def test_text_and_html_begin_with_the_same_words(letter: LetterName, language: str) -> None:
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    assert visible(rendering.html).startswith(rendering.text.partition("\n")[0].rstrip("."))


TIMED = [name for name in LetterName if {"at", "requested_at"} & CONTEXTS[name].keys()]
NOT_YOU = {"en": r"wasn't (you|me)|mistake", "vi": r"[Kk]hông phải (bạn|tôi)|nhầm lẫn"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", TIMED)
def test_a_letter_about_an_account_says_when_from_what_why_and_what_if_it_wasnt_you(
    letter: LetterName, language: str
) -> None:
    context = CONTEXTS[letter]
    rendering = RENDERER.render(header(letter, locale=language), context)
    for part in (rendering.text, visible(rendering.html)):
        assert WHEN[language] in part
        assert ("device" in context) == (DEVICE[language] in part)
        assert context.get("place", "") in part
        assert context.get("new_address", "") in part
        assert re.search(NOT_YOU[language], part)
        assert {"en": "Postern sent this email because ", "vi": "Postern gửi email này vì "}[language] in part


@pytest.mark.parametrize("empty", ["device", "place"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sign_in_from_something_unknown_says_so_by_silence(language: str, empty: str) -> None:
    labels = {"en": ("Device:", "IP address:"), "vi": ("Thiết bị:", "Địa chỉ IP:")}[language]
    letter = LetterName.NEW_SIGN_IN
    rendering = RENDERER.render(header(letter, locale=language), {**CONTEXTS[letter], empty: ""})
    for part in (rendering.text, visible(rendering.html)):
        said = {name for name, label in zip(("device", "place"), labels, strict=True) if label in part}
        assert said == {"device", "place"} - {empty}
    assert "\n\n\n" not in rendering.text


SIGN_UP = (LetterName.VERIFY_ADDRESS, LetterName.ACCOUNT_EXISTS)
WHEN = {"en": "1 March 2026 at 12:30 UTC", "vi": "12:30 ngày 1 tháng 3 năm 2026 (giờ UTC)"}
DEVICE = {"en": "Firefox on Linux", "vi": "Firefox trên Linux"}
LABELS = {"en": ("When:", "Device:", "30 days"), "vi": ("Thời gian:", "Thiết bị:", "trong 30 ngày")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", SIGN_UP)
def test_a_sign_up_letter_says_when_from_what_and_how_to_refuse(letter: LetterName, language: str) -> None:
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    for part in (rendering.text, visible(rendering.html)):
        for said in (WHEN[language], DEVICE[language], *LABELS[language]):
            assert said in part
    assert f'href="{CONTEXTS[letter]["refusal"]}"' in rendering.html


@pytest.mark.parametrize("empty", ["refusal", "requested_at", "device"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", SIGN_UP)
def test_what_is_not_known_is_not_said(letter: LetterName, language: str, empty: str) -> None:
    labels = dict(zip(("requested_at", "device", "refusal"), LABELS[language], strict=True))
    rendering = RENDERER.render(header(letter, locale=language), {**CONTEXTS[letter], empty: ""})
    for part in (rendering.text, visible(rendering.html)):
        assert {name for name, label in labels.items() if label in part} == labels.keys() - {empty}
    assert "\n\n\n" not in rendering.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["verify_address", "account_exists", "terms_changed"])
def test_a_letter_of_an_older_auth_service_still_reads_well(name: str, language: str) -> None:
    recorded = json.loads((RECORDED / "contexts.v1.json").read_text(encoding="utf-8"))[name]
    rendering = RENDERER.render(header(LetterName(name), locale=language), recorded)
    said = rendering.text + visible(rendering.html)
    assert not any(label in said for label in LABELS[language])
    assert re.findall(r"https?://\S+", rendering.text) == re.findall(r'href="([^"]*)"', rendering.html)
    assert len(re.findall(r"https?://\S+", rendering.text)) == 1
    assert "\n\n\n" not in rendering.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", list(LetterName))
def test_a_buttons_padding_is_its_cells(letter: LetterName, language: str) -> None:
    html = RENDERER.render(header(letter, locale=language), CONTEXTS[letter]).html
    cells = re.findall(r'<td class="button"[^>]*>', html)
    labels = re.findall(r'<a [^>]*class="button-label"[^>]*>', html)
    assert len(cells) == len(labels) == bool(links(letter))
    assert all("padding:14px 30px" in cell for cell in cells)
    assert not any("padding" in label for label in labels)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", list(LetterName))
def test_people_read_email_and_never_letter(letter: LetterName, language: str) -> None:
    rendering = RENDERER.render(header(letter, locale=language), CONTEXTS[letter])
    for part in (rendering.subject, rendering.text, visible(rendering.html)):
        assert not re.search(r"\bletters?\b|e-mail|\bbức thư\b|\bthư\b", part, re.IGNORECASE)


@pytest.mark.parametrize(
    ("moment", "language", "words"),
    [
        ("2027-01-31T09:30:00+00:00", "en", "31 January 2027 at 09:30 UTC"),
        ("2027-01-31T23:30:00-05:00", "en", "1 February 2027 at 04:30 UTC"),
        ("2027-01-31T09:30:00Z", "vi", "09:30 ngày 31 tháng 1 năm 2027 (giờ UTC)"),
    ],
)
def test_a_moment_names_its_zone(moment: str, language: str, words: str) -> None:
    assert moment_in_words(moment, language) == words


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
        (timedelta(hours=47), "en", "47 hours"),
        (timedelta(days=7), "en", "7 days"),
        (timedelta(days=3, hours=23), "vi", "3 ngày"),
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

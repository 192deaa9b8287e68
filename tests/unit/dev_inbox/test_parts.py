from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev_inbox.parts import read_parts, read_source, read_subject
from unit.dev_inbox.letters import letter


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?b?WGluIGNow6Bv?=", "Xin chào"),
        (b"=?utf-8?q?Xin?=\r\n =?utf-8?q?_ch=C3=A0o?= you", "Xin chào you"),
        ("Xin chào".encode(), "Xin chào"),
        (b"folded\r\n over two lines", "folded over two lines"),
        (b"=?nonsense?b?WGlu?=", "Xin"),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"", ""),
    ],
)
def test_a_subject_is_readable_however_it_was_written(field: bytes, subject: str) -> None:
    assert read_subject(b"From: a\r\nSubject: " + field + b"\r\n\r\nbody") == subject


def test_a_message_without_a_subject_has_an_empty_one() -> None:
    assert read_subject(b"From: a\r\n\r\nSubject: not me") == ""


def test_a_repeated_field_keeps_all_its_values() -> None:
    assert read_parts(b"Received: one\r\nreceived: two\r\n\r\n").headers == {"Received": "one\ntwo"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff",
        b"no colon\r\n\r\nbody",
        b"Content-Type: text/plain; charset=klingon\r\n\r\nq\xe0pla'",
        b"Content-Type: multipart/alternative\r\n\r\nno boundary",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Subject: =?utf-8?b?gA==?=\r\n\r\n",
        b"Content-Type: text/html\r\n\r\n<a href='http://[broken'><a<a <",
    ],
)
def test_a_broken_message_can_still_be_looked_at(raw: bytes) -> None:
    read_subject(raw)
    read_parts(raw)
    assert read_source(raw).encode("utf-8" if b"\xff" not in raw and b"\xe0" not in raw else "latin-1") == raw


def test_an_attachment_is_not_taken_for_the_text() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nfile\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n--b--\r\n"
    )
    assert read_parts(raw).text == "text"


def test_links_are_found_once_each_without_the_sentence_around_them() -> None:
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee https://a.example/?x=1&y=2, (https://b.example).\r\n"
        b'--b\r\nContent-Type: text/html\r\n\r\n<a href="https://a.example/?x=1&amp;y=2">a</a><a href="https://c.example/">\r\n--b--'
    )
    assert read_parts(raw).links == ("https://a.example/?x=1&y=2", "https://b.example", "https://c.example/")


@pytest.mark.parametrize(
    "html", ["<p>x<![FOR]>y</p>", "<![", "<![if mso]>", "<![CDATA[x]]>", "<!", "<!x", "<!-", "</", "<?"]
)
def test_html_that_a_parser_fails_at_is_read_all_the_same(html: str) -> None:
    raw = letter(html=f'{html}<a href="https://app.example/x">x</a>')
    assert read_parts(raw).html is not None


@given(st.binary(max_size=400))
def test_any_bytes_are_read(body: bytes) -> None:
    for head in (
        b"",
        b"Content-Type: text/html\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    ):
        read_parts(head + body)


@given(st.text(alphabet="<>![]-/?a=\"' \n&;{}", max_size=80))
def test_any_html_is_read(html: str) -> None:
    read_parts(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12345678 is your code", "12345678"),
        ("1234 5678 là mã của bạn", "12345678"),
        ("code: 1234-5678.", "12345678"),
        ("https://app.example/verify#token=a-87654321-b 1234\u00a05678", "12345678"),
        ("Call 123456789, since 2026, at 10:30", None),
        ("", None),
    ],
)
def test_a_code_is_found_however_it_is_grouped_and_not_in_a_link(text: str, code: str | None) -> None:
    assert read_parts(letter(text=text)).code == code


def test_the_link_is_the_first_one_and_a_letter_without_one_has_none() -> None:
    text = "Open https://app.example/verify#token=a. Not you? https://app.example/refuse#token=b"
    assert read_parts(letter(text=text)).link == "https://app.example/verify#token=a"
    assert read_parts(letter()).link is None


def test_a_letter_of_postern_is_known_by_class_and_name() -> None:
    assert read_parts(b"x-postern-letter: urgent/verify_address\r\n\r\n").letter == "urgent/verify_address"
    assert read_parts(letter()).letter is None

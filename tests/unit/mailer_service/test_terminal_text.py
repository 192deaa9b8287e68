"""Nothing from outside reaches a terminal as more than visible characters."""

import json

import pytest

from mailer_service.cli.text import harmless, harmless_bytes, json_line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028end", "line\\u2028end"),
        ("\ud800", "\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("địa chỉ 你好 ✉", "địa chỉ 你好 ✉"),
    ],
)
def test_what_could_move_a_cursor_or_turn_a_line_is_written_out(hostile: str, shown: str) -> None:
    assert harmless(hostile) == shown


def test_long_words_are_clipped_and_say_how_long_they_were() -> None:
    assert harmless("x" * 600, at_most=5) == "xxxxx… (600 characters)"


def test_bytes_that_are_no_text_are_shown_as_numbers() -> None:
    assert harmless_bytes(b"\xff\x1b[0m ok", size=8) == "\\xff\\x1b[0m ok"
    assert harmless_bytes(b"x" * 10, size=1_000_000, at_most=3) == "xxx… (1000000 bytes)"


def test_json_is_ascii_without_controls() -> None:
    line = json_line({"x": "\x1b\x7f\u202e\x9b"})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"x": "\x1b\x7f\u202e\x9b"}

"""What may be kept of a server's words."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.smtp.redaction import MAX_LENGTH, redact

RECIPIENT = "an.nguyen@example.org"


def test_addresses_in_every_form_disappear() -> None:
    words = f"550 5.1.1 <{RECIPIENT}>: {RECIPIENT.upper()} rejected; try an.nguyen+tag@xn--bcher-kva.example"
    assert redact(words, recipient=RECIPIENT) == "550 5.1.1 <<address>>: <address> rejected; try <address>"


def test_the_name_alone_disappears_too() -> None:
    assert redact("550 user An.Nguyen unknown", recipient=RECIPIENT) == "550 user <name> unknown"


@pytest.mark.parametrize(
    ("local", "said"),
    [
        ("denied", "Recipient address rejected: Access denied"),
        ("full", "4.2.2 Mailbox full"),
        ("DMARC", "DMARC check failed"),
    ],
)
def test_a_stock_phrase_keeps_its_words_whoever_it_is_said_to(local: str, said: str) -> None:
    assert redact(said, recipient=f"{local}@example.org") == said


def test_links_and_codes_echoed_by_a_content_filter_disappear() -> None:
    words = "554 found http://gate.example/verify#token=abc and 12345678 and 1234 5678 in the message"
    assert redact(words, recipient=RECIPIENT) == "554 found <link> and <code> and <code> in the message"


@given(st.text(max_size=2000))
def test_the_result_is_one_short_printable_line(words: str) -> None:
    redacted = redact(words, recipient=RECIPIENT)
    assert len(redacted) <= MAX_LENGTH
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in redacted)


@given(st.text(alphabet="ab.@:;,<> '", max_size=60))
def test_addresses_are_found_wherever_they_begin(words: str) -> None:
    anywhere = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;\"']+")
    assert redact(words, recipient=RECIPIENT) == anywhere.sub("<address>", words)


@pytest.mark.parametrize("run", ["a", "a.", "a@", "a:", "1", "<", "an.nguyen "])
def test_a_reply_of_64_kib_costs_no_more_than_a_moment(run: str) -> None:
    words = run * (64 * 1024 // len(run))
    started = time.process_time()
    redact(words, recipient=RECIPIENT)
    assert time.process_time() - started < 0.5


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_recipient_is_never_kept(before: str, after: str) -> None:
    assert RECIPIENT not in redact(f"{before}{RECIPIENT}{after}", recipient=RECIPIENT)

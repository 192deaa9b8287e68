"""Signatures, looked at by the tools of others: whole letters verify, and whatever was changed does not."""

import re
from collections.abc import Iterable, Mapping

import pytest

from mailer_service.letters.dkim_keys import Algorithm
from support.dkim import BOTH, keys, mail_dkim_says, opendkim_says, records, signing
from support.outgoing import composed, outgoing

FROM_ELSEWHERE = b"<x@y.example>\r\n"
ONCE = (b"From", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type")
NEVER = (b"Reply-To", b"Cc", b"Content-Transfer-Encoding")
CHANGES: Mapping[bytes, bytes] = {
    rb"When: 1 March": b"When: 2 March",
    rb"--\r\n$": b"--\r\nMore\r\n",
    rb"\r\nSubject: ": b"\r\nSubject: Not ",
    rb"\r\nTo: <an@": b"\r\nTo: <bo@",
    rb"\r\nFrom: ": b"\r\nFrom: <x@y.example>, ",
    rb"\r\nDate: Sun": b"\r\nDate: Mon",
    rb"\r\nMessage-ID: <": b"\r\nMessage-ID: <0",
    rb"\r\nAuto-Submitted: auto-generated": b"",
    rb"\r\nX-Auto-Response-Suppress: All": b"",
    rb"\r\nX-Postern-Letter: urgent": b"\r\nX-Postern-Letter: bulk",
    rb"\r\nContent-Type: multipart/alternative": b"\r\nContent-Type: multipart/mixed",
}
HARMLESS: Mapping[bytes, bytes] = {
    rb"^": b"Received: from a by b; Sun, 1 Mar 2026 12:30:01 +0000\r\nReturn-Path: " + FROM_ELSEWHERE,
    rb"\r\nSubject: ": b"\r\nSUBJECT:\r\n\t",
    rb"\r\n$": b"  \r\n\r\n\r\n",
}


def letter(*algorithms: Algorithm, recipient: str = "an@example.org", locale: str = "en") -> bytes:
    return composed(outgoing(recipient, locale=locale), signing(*algorithms)).octets


def changed(octets: bytes, changes: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    variants = [re.sub(pattern, instead, octets, count=1) for pattern, instead in changes]
    assert octets not in variants
    return variants


@pytest.mark.parametrize("algorithms", [(Algorithm.RSA,), (Algorithm.ED25519,), BOTH])
def test_whole_letters_verify_whatever_the_language_and_the_address(
    algorithms: tuple[Algorithm, ...],
) -> None:
    letters = [
        letter(*algorithms, recipient=recipient, locale=locale)
        for recipient in ("an@example.org", "nguyễn@bücher.example")
        for locale in ("en", "vi")
    ]
    assert opendkim_says(letters, records(keys(*algorithms))) == [""] * len(letters)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_letter_that_was_changed_does_not_verify(algorithm: Algorithm) -> None:
    letters = changed(letter(algorithm), CHANGES.items())
    letters += [name + b": " + FROM_ELSEWHERE + letter(algorithm) for name in NEVER]
    said = opendkim_says(letters, records(keys(algorithm)))
    assert ["Bad signature" in words for words in said] == [True] * len(letters), said


def test_nobody_can_add_a_header_that_a_reader_might_see_in_place_of_ours() -> None:
    whole = letter(Algorithm.RSA)
    head, gap, body = whole.partition(b"\r\n\r\n")
    letters = [whole]
    for added in (name + b": " + FROM_ELSEWHERE for name in ONCE + NEVER):
        letters += [added + whole, head + b"\r\n" + added + gap[2:] + body]
    said = mail_dkim_says(letters, records(keys(Algorithm.RSA)))
    assert said == ["rsa-sha256 pass", *["rsa-sha256 fail"] * (len(letters) - 1)]


def test_what_mail_servers_do_on_the_way_does_no_harm() -> None:
    letters = changed(letter(*BOTH), HARMLESS.items())
    assert opendkim_says(letters, records(keys(*BOTH))) == [""] * len(letters)


def test_a_key_that_the_dns_does_not_know_or_knows_otherwise_verifies_nothing() -> None:
    known = records(keys(*BOTH))
    rsa, ed25519 = known
    for answers in ({}, {rsa: known[ed25519], ed25519: known[rsa]}):
        assert all(opendkim_says([letter(*BOTH)], answers))

"""What auth-service takes for an address, mailer-service can write to; neither takes one mailbox for another."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import pytest

from auth_service.domain.address import Address, parse_address
from auth_service.errors import InvalidAddress
from mailer_service.address import Mailbox
from mailer_service.errors import AddressNotSupported
from mailer_service.smtp.commands import Extensions, commands
from mailer_service.suppression.recipient_hashes import RecipientHasher
from support.odd_addresses import odd_addresses
from support.outgoing import SENDER, composed, outgoing

GENERATED = 8_000
OFFERED = Extensions.read("mx.example.org\nSMTPUTF8\n8BITMIME\nSIZE 1000000")
MARKER = RecipientHasher("a key for hashes, only for tests, long enough")
Key = TypeVar("Key")
Value = TypeVar("Value")
ALL_SPELLINGS_OF_SIGMA = set("Σσς")


def _accepted(addresses: Iterator[str]) -> Iterator[Address]:
    for typed in addresses:
        try:
            yield parse_address(typed)
        except InvalidAddress:
            continue


@pytest.fixture(scope="module")
def generated() -> list[str]:
    return list(odd_addresses(GENERATED))


@pytest.fixture(scope="module")
def accepted(generated: list[str]) -> list[Address]:
    return list(_accepted(iter(generated)))


def test_the_generated_addresses_are_good_and_bad_and_meet_each_other(
    generated: list[str], accepted: list[Address]
) -> None:
    assert len(generated) == GENERATED
    assert GENERATED * 0.2 < len(accepted) < GENERATED * 0.8
    spellings, mailboxes = (
        {getattr(address, form) for address in accepted} for form in ("typed", "canonical")
    )
    assert len(spellings) > len(mailboxes) + GENERATED * 0.008
    assert sum(not address.typed.isascii() for address in accepted) > GENERATED * 0.05


def test_what_is_accepted_can_be_handed_over_where_smtputf8_is_offered(accepted: list[Address]) -> None:
    letter = outgoing()
    for address in accepted:
        message = composed(replace(letter, recipient=address.typed), SENDER)
        mail, recipient, _ = commands(message, OFFERED)
        local = address.typed.rpartition("@")[0]
        ascii_domain = address.canonical.rpartition("@")[2]
        assert recipient.line == f"RCPT TO:<{local}@{ascii_domain}>".encode()
        assert (b" SMTPUTF8" in mail.line) is not local.isascii()
        # RFC 5321, section 4.5.3.1: octets, not characters.
        assert len(local.encode()) <= 64
        assert len(f"{local}@{ascii_domain}".encode()) <= 254
        head = message.octets.partition(b"\r\n\r\n")[0]
        assert head.count(b"\r\nTo: <") == 1
        assert max(map(len, head.split(b"\r\n"))) <= 998


def test_what_the_mailer_refuses_was_refused_before(generated: list[str]) -> None:
    refused = 0
    for typed in generated:
        try:
            Mailbox.parse(typed)
        except AddressNotSupported:
            refused += 1
            with pytest.raises(InvalidAddress):
                parse_address(typed)
    assert refused > GENERATED * 0.1


def test_only_spellings_that_read_alike_share_a_canonical_form(accepted: list[Address]) -> None:
    for canonical, spellings in _groups((address.canonical, address.typed) for address in accepted):
        first = spellings[0]
        assert all(_read_alike(first, other) for other in spellings[1:]), (canonical, spellings)


def test_only_ascii_case_variants_share_a_suppression(accepted: list[Address]) -> None:
    hashes = ((MARKER.hashes_of(address.typed).recipient, address) for address in accepted)
    for _, found in _groups(hashes):
        assert len({_octets_apart_from_ascii_case(address) for address in found}) == 1, found


def test_the_mailer_knows_the_domain_by_the_same_name(accepted: list[Address]) -> None:
    for address in accepted:
        assert Mailbox.parse(address.typed).domain == address.canonical.rpartition("@")[2]


def _groups(pairs: Iterable[tuple[Key, Value]]) -> Iterable[tuple[Key, list[Value]]]:
    found = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found.items()


def _octets_apart_from_ascii_case(address: Address) -> bytes:
    # `lower` of bytes knows ASCII only.
    local = address.typed.rpartition("@")[0].encode().lower()
    return local + b"@" + address.canonical.rpartition("@")[2].encode()


def _read_alike(one: str, other: str) -> bool:
    """Tells whether two local parts are the same letters with the same marks, whichever are capitals."""
    one, other = (text.rpartition("@")[0] for text in (one, other))
    if one.isascii() is not other.isascii():
        return False
    parts = [unicodedata.normalize("NFD", text) for text in (one, other)]
    return len(parts[0]) == len(parts[1]) and all(map(_same_letter, *parts))


def _same_letter(one: str, other: str) -> bool:
    return one.lower() == other.lower() or {one, other} <= ALL_SPELLINGS_OF_SIGMA

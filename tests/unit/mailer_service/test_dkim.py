"""Signatures: what they cover, what they are made of, which keys are taken."""

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from mail_contract.errors import BadKey
from mailer_service.letters.dkim import canonical_body, canonical_header
from mailer_service.letters.dkim_keys import Algorithm, DkimKeys, zone_line
from mailer_service.letters.examples import CREATED
from support.dkim import BOTH, DOMAIN, keys, keys_as_text, signing
from support.outgoing import HEADERS, SENDER, composed, outgoing

LETTER = UUID("00000000-0000-4000-8000-000000000001")


def signatures(octets: bytes) -> list[dict[str, str]]:
    """The tags of each signature, white space taken out."""
    head = octets.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", " ")
    values = [line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("DKIM-Signature: ")]
    return [
        {
            name.strip(): re.sub(r"\s", "", value)
            for name, _, value in (tag.partition("=") for tag in found.split(";"))
        }
        for found in values
    ]


def test_a_letter_has_a_signature_of_each_key_in_front_of_it() -> None:
    found = signatures(composed(outgoing(), signing(*BOTH)).octets)
    assert [tags["a"] for tags in found] == ["rsa-sha256", "ed25519-sha256"]
    assert [tags["s"] for tags in found] == ["rsa-20260301", "ed25519-20260301"]
    assert {tags["d"] for tags in found} == {DOMAIN}
    assert {tags["c"] for tags in found} == {"relaxed/relaxed"}
    assert [len(base64.b64decode(tags["b"])) for tags in found] == [256, 64]


def test_without_keys_a_letter_is_the_same_but_for_its_signatures() -> None:
    letter = outgoing(letter_id=LETTER)
    signed, unsigned = (composed(letter, sender).octets for sender in (signing(*BOTH), SENDER))
    assert signed.endswith(unsigned)
    assert not signatures(unsigned)


def test_every_header_is_covered_as_it_is_and_as_absent_and_no_part_of_the_body_is_left_out() -> None:
    for tags in signatures(composed(outgoing(), signing(*BOTH)).octets):
        covered = tags["h"].split(":")
        assert covered[: 2 * len(HEADERS)] == [*HEADERS, *HEADERS]
        assert set(covered) - set(HEADERS) == {"Reply-To", "Cc", "Content-Transfer-Encoding"}
        assert "l" not in tags


def test_a_retry_is_byte_for_byte_the_same_and_its_time_is_the_letters() -> None:
    first, second = (composed(outgoing(letter_id=LETTER), signing(*BOTH)).octets for _ in range(2))
    assert first == second
    assert {tags["t"] for tags in signatures(first)} == {str(int(CREATED.timestamp()))}


def test_each_signature_is_the_same_alone_and_beside_the_other() -> None:
    letter = outgoing(letter_id=LETTER)
    alone = [signatures(composed(letter, signing(algorithm)).octets)[0] for algorithm in Algorithm]
    assert signatures(composed(letter, signing(*BOTH)).octets) == alone


def test_lines_of_signatures_are_short() -> None:
    head = composed(outgoing(), signing(*BOTH)).octets.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 78


def test_the_canonical_forms_are_those_of_the_standards_example() -> None:
    # RFC 6376, section 3.4.5
    assert canonical_header("A", " X") == b"a:X"
    assert canonical_header("B ".strip(), "Y\t\r\n\tZ  ") == b"b:Y Z"
    assert canonical_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


@given(st.lists(st.sampled_from([b" ", b"\t", b"a", b".", b"\r\n"]), max_size=40))
def test_a_body_is_hashed_as_the_standard_says(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    lines = [re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in octets.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    assert canonical_body(octets) == b"".join(line + b"\r\n" for line in lines)


def test_new_keys_are_of_both_kinds_and_named_for_their_day() -> None:
    found = DkimKeys.from_pem(keys_as_text()).keys
    assert [(key.selector, key.algorithm) for key in found] == [
        ("rsa-20260301", Algorithm.RSA),
        ("ed25519-20260301", Algorithm.ED25519),
    ]


def test_a_record_is_cut_into_strings_that_the_dns_can_carry() -> None:
    for key in keys(*BOTH).keys:
        name = f"{key.selector}._domainkey.{DOMAIN}"
        line = zone_line(name, key.record())
        assert line.startswith(f'{name}. IN TXT ( "v=DKIM1; k=')
        strings = re.findall(r'"([^"]*)"', line)
        assert "".join(strings) == key.record()
        assert max(len(string) for string in strings) <= 255


def pem(
    key: PrivateKeyTypes, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None
) -> str:
    hidden = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, form, hidden).decode()


def test_keys_that_people_have_are_read_as_they_are() -> None:
    rsa, ed25519 = (key.private for key in keys(*BOTH).keys)
    old = pem(rsa, PrivateFormat.TraditionalOpenSSL)  # as `opendkim-genkey` writes them
    assert old.startswith("-----BEGIN RSA PRIVATE KEY-----")
    text = f"selector: mail2026\r\n{old}\n\nselector:\ta1.b-2\n{pem(ed25519)}"
    assert [key.selector for key in DkimKeys.from_pem(text).keys] == ["mail2026", "a1.b-2"]


def test_keys_that_should_not_sign_are_refused_without_being_quoted() -> None:
    rsa, ed25519 = (pem(key.private) for key in keys(*BOTH).keys)
    weak = pem(generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505 - that is the point
    broken = [
        "",
        rsa,
        "selector: a\n",
        f"selector:\n{rsa}",
        f"selector: a\n{weak}",
        f"selector: a\n{ed25519}selector: b\n{pem(Ed25519PrivateKey.generate())}",
        f"selector: Not-A-Selector\n{ed25519}",
        f"selector: a\n{ed25519}x: y\n",
        f"selector: a\n{pem(X25519PrivateKey.generate())}",
        f"selector: a\n{pem(Ed25519PrivateKey.generate(), password=b'secret')}",
        f"selector: a\n{rsa.replace('A', 'B', 9)}",
    ]
    for text in broken:
        with pytest.raises(BadKey) as caught:
            DkimKeys.from_pem(text)
        assert ed25519.splitlines()[1][-20:] not in str(caught.value)


def test_letters_of_different_times_are_signed_with_theirs() -> None:
    early, late = outgoing(letter_id=LETTER), outgoing(letter_id=LETTER)
    later = datetime(2026, 3, 2, tzinfo=UTC)
    late = replace(late, header=late.header.model_copy(update={"created_at": later}))
    times = [
        signatures(composed(letter, signing(Algorithm.ED25519)).octets)[0]["t"] for letter in (early, late)
    ]
    assert [int(a) < int(b) for a, b in pairwise(times)] == [True]

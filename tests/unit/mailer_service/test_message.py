"""The bytes of a letter."""

from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage, Message
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.address import Mailbox
from mailer_service.errors import AddressNotSupported, UnfitLetter, UnsafeHeader
from mailer_service.letters.compose import Sender, phrase, unstructured, write
from mailer_service.letters.renderer import Rendering
from support.outgoing import CODE, HEADERS, LINK, SENDER, composed, outgoing

TEXT = st.text(max_size=400)


def parsed(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)


def content(part: Message) -> str:
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def words(*, subject: str = "Hello", text: str = "Hello\n", html: str = "<p>Hello</p>\n") -> Rendering:
    return Rendering(subject=subject, text=text, html=html, language="en")


def test_a_letter_reads_back_as_it_was_meant() -> None:
    letter = outgoing("an@example.org", locale="vi")
    message = parsed(composed(letter, SENDER).octets)
    assert message.keys() == list(HEADERS)
    assert message["Subject"] == "Xác nhận địa chỉ email của bạn cho Postern"
    assert message["From"].addresses == (Address("Postern", addr_spec="no-reply@postern.example"),)
    assert message["To"].addresses == (Address(addr_spec="an@example.org"),)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "vi"
    assert message["X-Postern-Letter"] == "urgent/verify_address"
    assert message["Message-ID"] == f"<{letter.header.id}@postern.example>"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert content(text) == letter.rendering.text
    assert content(html) == letter.rendering.html
    assert LINK in content(text)
    assert f'href="{LINK}"' in content(html)
    assert CODE in content(text)
    assert not message.defects


def test_a_retry_is_byte_for_byte_the_same() -> None:
    letter_id = UUID("00000000-0000-4000-8000-000000000001")
    first, second = (composed(outgoing(letter_id=letter_id), SENDER).octets for _ in range(2))
    assert first == second


def test_two_letters_have_neither_message_id_nor_boundary_in_common() -> None:
    first, second = (parsed(composed(outgoing(), SENDER).octets) for _ in range(2))
    assert first["Message-ID"] != second["Message-ID"]
    assert first.get_boundary() != second.get_boundary()


@given(text=TEXT, html=TEXT)
def test_every_line_ends_with_crlf_and_is_short(text: str, html: str) -> None:
    octets = composed(outgoing(rendering=words(text=text, html=html)), SENDER).octets
    assert octets.endswith(b"--\r\n")
    bare = octets.replace(b"\r\n", b"")
    assert b"\r" not in bare
    assert b"\n" not in bare
    assert max(len(line) for line in octets.split(b"\r\n")) <= 998
    assert octets.isascii()


@given(text=TEXT)
def test_no_text_can_end_the_message_or_a_part(text: str) -> None:
    smuggled = f"{text}\r\n.\r\nMAIL FROM:<x@y.z>\n.\r.\r\n--=_boundary--\n{text}"
    octets = composed(outgoing(rendering=words(text=smuggled)), SENDER).octets
    stuffed = octets.replace(b"\r\n.", b"\r\n..")
    assert b"\r\n.\r\n" not in stuffed
    parts = list(parsed(octets).iter_parts())
    assert len(parts) == 2


@given(text=TEXT)
def test_the_body_survives_the_journey(text: str) -> None:
    plain = "".join(character for character in text if character == "\n" or character.isprintable())
    part = next(iter(parsed(composed(outgoing(rendering=words(text=plain)), SENDER).octets).iter_parts()))
    assert content(part).rstrip("\r\n") == plain.rstrip("\n")


@given(subject=st.text(min_size=1, max_size=300))
def test_a_subject_is_either_refused_or_read_back_unchanged_without_new_headers(subject: str) -> None:
    try:
        octets = composed(outgoing(rendering=words(subject=subject)), SENDER).octets
    except UnsafeHeader:
        return
    message = parsed(octets)
    assert message.keys() == list(HEADERS)
    if not subject.isascii() and subject == subject.strip():
        assert message["Subject"] == subject


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: b@c.d", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\x85b", "a\u2028b", "=?utf-8?q?a?="]
)
def test_what_could_become_another_header_is_refused(value: str) -> None:
    for build in (unstructured, phrase):
        with pytest.raises(UnsafeHeader):
            build(value)


def test_a_header_block_that_reads_back_differently_is_refused() -> None:
    with pytest.raises(UnsafeHeader):
        write([("To", "<a@b.c>\r\nBcc: <x@y.z>")])
    with pytest.raises(UnsafeHeader):
        write([("To", "<a@b.c>\nBcc: <x@y.z>")])


def test_encoded_words_stay_within_their_limits() -> None:
    folded = unstructured("Xác nhận địa chỉ e-mail của bạn — " * 20)
    assert all(len(line) <= 76 for line in folded.split("\r\n"))
    assert all(len(word) <= 75 for word in folded.split())


def test_a_product_name_of_any_kind_makes_one_sender() -> None:
    for name in ('Post "ern" \\ Co., Ltd.', "Bưu điện", "Postern <x@y.z>"):
        sender = Sender(mailbox=SENDER.mailbox, name=name)
        message = parsed(composed(outgoing(), sender).octets)
        assert [address.addr_spec for address in message["From"].addresses] == ["no-reply@postern.example"]
        assert message["From"].addresses[0].display_name == name


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("An.Nguyen+tag@Example.ORG", "An.Nguyen+tag@example.org"),
        ("an@bücher.example", "an@xn--bcher-kva.example"),
        ("an@straße.example", "an@xn--strae-oqa.example"),
        ("nguyễn@example.org", "nguyễn@example.org"),
        ("an@例え.example", "an@xn--r8jz45g.example"),
    ],
)
def test_an_address_is_written_as_mail_servers_expect(typed: str, written: str) -> None:
    mailbox = Mailbox.parse(typed)
    assert str(mailbox) == written
    assert mailbox.needs_smtputf8 == (not typed.partition("@")[0].isascii())


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "an",
        "@example.org",
        "an@",
        '"an nguyen"@example.org',
        "an@[127.0.0.1]",
        "an@example.org\r\nBcc: b@c.d",
        "an>@example.org",
        "an nguyen@example.org",
        "an,b@example.org",
        "=?utf-8?q?an?=@example.org",
        "an\u202e@example.org",
        "an\u200b@example.org",
        "an@exa mple.org",
        "an@-example.org",
        "an@example..org",
        "an..b@example.org",
        f"{'a' * 65}@example.org",
        f"an@{'a' * 64}.org.{'b.' * 100}c",
    ],
)
def test_an_address_that_could_not_be_written_safely_is_refused(typed: str) -> None:
    with pytest.raises(AddressNotSupported):
        Mailbox.parse(typed)


@given(st.text(max_size=100))
def test_no_recipient_whatever_it_is_adds_a_header_or_a_command(typed: str) -> None:
    try:
        message = composed(outgoing(f"{typed}@example.org", rendering=words()), SENDER)
    except UnfitLetter:
        return
    head = message.octets.split(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
    assert [line.split(b":")[0].decode() for line in head.split(b"\r\n")] == list(HEADERS)
    assert not set("\r\n<> ") & set(str(message.recipient))

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.domain.address import canonical_local, masked, parse_address
from auth_service.errors import InvalidAddress
from support.odd_addresses import odd_addresses


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Linh@Example.COM", "linh@example.com"),
        ("first.last+tag@example.com", "first.last+tag@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
        ("nguyễn@ví-dụ.vn", "nguyễn@xn--v-d-rma6749a.vn"),
        ("NGUYỄN@Ví-Dụ.vn", "nguyễn@xn--v-d-rma6749a.vn"),
        ("e\u0301ric@example.com", "éric@example.com"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("李雷@例え.example", "李雷@xn--r8jz45g.example"),
        ("ศิริธำรง@example.com", "ศิริธำรง@example.com"),
        ("Straße@example.com", "straße@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("ΟΔΟΣ@example.com", "οδος@example.com"),
        ("আড়ং@example.com", "আড়ং@example.com"),
        ("あ" * 21 + "@example.jp", "あ" * 21 + "@example.jp"),
        ("someone@somewhere.test", "someone@somewhere.test"),
    ],
)
def test_an_address_has_one_canonical_form_and_is_kept_as_typed(typed: str, canonical: str) -> None:
    address = parse_address(typed)
    assert (address.typed, address.canonical) == (typed, canonical)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "linh",
        "linh@",
        "@example.com",
        "a@b@example.com",
        "linh@example",
        "linh@localhost",
        "linh@example.com.",
        "linh@-example.com",
        "linh@exa_mple.com",
        "a..b@example.com",
        ".a@example.com",
        " linh@example.com",
        "linh@example.com ",
        "linh@example.com\r\nBcc: all@example.com",
        "linh\n@example.com",
        "linh\x00@example.com",
        "li\u200bnh@example.com",
        "li\u200dnh@example.com",
        "\u202elinh@example.com",
        "linh\u2066@example.com",
        "\ufefflinh@example.com",
        '"linh"@example.com',
        '"li nh"@example.com',
        "Linh <linh@example.com>",
        "linh@[127.0.0.1]",
        "linh@[IPv6:::1]",
        "linh@127.0.0.1",
        "x" * 65 + "@example.com",
        "linh@" + "x" * 64 + ".com",
        "l" * 60 + "@" + ".".join(["x" * 60] * 4) + ".com",
        "\ud800@example.com",
    ],
)
def test_what_letters_cannot_or_must_not_be_sent_to_is_refused(typed: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_address(typed)


@pytest.mark.parametrize(
    "typed",
    ["\uff41lice@example.com", "\ufb01ne@example.com", "\U0001d41alice@example.com", "\u017fam@example.com"],
)
def test_letters_that_only_read_as_ascii_are_refused(typed: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_address(typed)


def test_a_name_that_mixes_alphabets_that_look_alike_is_refused() -> None:
    with pytest.raises(InvalidAddress):
        parse_address("p\u0430ypal@example.com")
    assert parse_address("\u0434\u0430\u0440\u044c\u044f@example.com")


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "mar\u212a.\u212a1@example.com",
            "mar\u212a.é@example.com",
            "a\u1fef@example.com",
            "a\u037e@example.com",
        ),
        *("\u2126η@example.com", "\u212bsa@example.com", "\uf900@example.com"),
    ],
)
def test_what_normalising_would_turn_into_another_character_is_refused(typed: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_address(typed)


@pytest.mark.parametrize(
    "code_point",
    [
        *(
            0x00AD,
            0x034F,
            0x061C,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            0x180B,
            0x180E,
            0x180F,
            0x200B,
            0x200D,
            0x202A,
        ),
        *(
            0x2060,
            0x2065,
            0x2066,
            0x206F,
            0x2800,
            0x3000,
            0x3164,
            0xFE00,
            0xFE0F,
            0xFEFF,
            0xFFA0,
            0xFFF0,
            0xFFF9,
        ),
        *(0xFFFC, 0x16FE4, 0x1BCA0, 0x1D159, 0x1D173, 0xE0001, 0xE0020, 0xE0100, 0xE01EF, 0xE0FFF),
    ],
    ids=hex,
)
def test_nothing_that_shows_nothing_is_taken_on_either_side_of_the_at(code_point: int) -> None:
    for typed in (f"li{chr(code_point)}nh@example.com", f"linh@exam{chr(code_point)}ple.com"):
        with pytest.raises(InvalidAddress):
            parse_address(typed)


def test_octets_are_counted_not_characters() -> None:
    refused = (
        "あ" * 22 + "@example.jp",
        # 253 characters as typed; the name of the domain is longer in A-labels.
        "l" * 60 + "@" + ".".join(["ü" * 40] * 4) + ".example",
    )
    for typed in refused:
        with pytest.raises(InvalidAddress):
            parse_address(typed)


def test_what_a_mail_client_could_read_as_an_encoded_word_is_refused() -> None:
    with pytest.raises(InvalidAddress):
        parse_address("=?utf-8?q?x?=@example.com")


def test_a_domain_s_label_uses_one_of_the_alphabets_that_look_alike() -> None:
    with pytest.raises(InvalidAddress):
        parse_address("ann@p\u0430ypal.example")
    assert parse_address("ann@\u043f\u0440\u0438\u043c\u0435\u0440.example")


@given(st.text(max_size=80) | st.emails() | st.sampled_from(list(odd_addresses(2000))))
def test_any_text_is_an_address_or_refused_and_canonical_forms_are_stable(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidAddress:
        return
    local, _, domain = address.canonical.rpartition("@")
    assert canonical_local(local) == local
    assert parse_address(f"x@{domain}").canonical == f"x@{domain}"
    assert local.isascii() is text.rpartition("@")[0].isascii()
    assert not any(ord(character) < 32 for character in address.canonical)


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("ann@example.com", "a…@example.com"),
        ("a@example.com", "a…@example.com"),
        ("é@ví-dụ.vn", "é…@ví-dụ.vn"),
    ],
)
def test_a_masked_address_shows_its_first_letter_and_its_domain(email: str, shown: str) -> None:
    assert masked(email) == shown

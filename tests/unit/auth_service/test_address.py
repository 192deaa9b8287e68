import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.domain.address import parse_address
from auth_service.errors import InvalidAddress


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
        ("ศิริธำรง@example.com", "ศิริธํารง@example.com"),
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


@given(st.text(max_size=80) | st.emails())
def test_any_text_is_an_address_or_refused_and_canonical_forms_are_stable(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidAddress:
        return
    assert parse_address(address.canonical).canonical == address.canonical
    assert not any(ord(character) < 32 for character in address.canonical)

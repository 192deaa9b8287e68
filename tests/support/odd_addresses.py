"""Addresses as nobody would think of them, the same ones in each run."""

import random
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "!#$%&'*+/=?^_`{|}~-",
    "ßẞſıİŁłæøåÅéÉêễỄưƯđĐçñü",
    "абвгдежзийклмнопрстуфхцчшщАВЕКМНОРСТХ",
    "αβγδεζηθικλμνξοπρσςτυΑΒΕΖΗΙΚΜΝΟΡΤΥΧΣ",
    "李雷例え漢字かなカナ한글",
    "ศิริธำรงกขค",
    "अआइकखगघक़ड়ড়",
    "אבגדهوزحابت١٢٣",
    "ԱԲԳԴᎠᎡᎢⲀⲂꓐꓑ",
    "\u0300\u0301\u0302\u0307\u0323\u0338\u0345\u0430",
    "ａｂｃ１２ﬁﬂ𝐚𝒷ⅷ½ªº™",
    "豈更神祥Ω\u2126\u212a\u212b\u1fef\u037e\u0387\u1f71\u0340",
)
_NASTY = (
    "\r\n",
    *map(
        chr,
        (
            *(
                0x00,
                0x09,
                0x0A,
                0x0D,
                0x20,
                0x7F,
                0x85,
                0xA0,
                0xAD,
                0x034F,
                0x061C,
                0x115F,
                0x1160,
                0x17B4,
                0x180B,
            ),
            *(0x200B, 0x200D, 0x200E, 0x202E, 0x2028, 0x2060, 0x2066, 0x2800, 0x3000, 0x3164, 0xFE0F, 0xFEFF),
            *(0xFFA0, 0xFFFC, 0xD800, 0xE000, 0x1D159, 0x16FE4, 0xE0001, 0xE0100, 0x10FFFF),
        ),
    ),
    *("=?", "?=", '"', "\\", "<", ">", "(", ",", ";", ":", "@", "..", "[", "]"),
)
_DOMAINS = (
    *("example.com", "EXAMPLE.com", "example.jp", "mail.example.org", "bücher.example", "BÜCHER.example"),
    *(
        "xn--bcher-kva.example",
        "straße.example",
        "strasse.example",
        "ví-dụ.vn",
        "vi\u0301-du\u0323.vn",
        "例え.example",
    ),
    *(
        "例え。example",
        "\uff45xample.com",
        "exa\u00admple.com",
        "\u212aelvin.example",
        "пример.example",
        "p\u0430ypal.example",
    ),
    *(
        "[127.0.0.1]",
        "127.0.0.1",
        "localhost",
        "example",
        "-a.example",
        "a..example",
        "example.com.",
        "xn--a.example",
    ),
    *(
        "xn--0.pt",
        "aa--b.example",
        "exa_mple.com",
        "אב.example",
        "1.אב.example",
        "\u0627\u0661.example",
        "é" * 30 + ".example",
    ),
    *(
        "x" * 63 + ".com",
        "x" * 64 + ".com",
        ".".join(["x" * 60] * 3) + ".example",
        "ẞ.example",
        "σς.example",
        "",
    ),
)
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    str.swapcase,
    str.casefold,
    str.title,
    *(partial(unicodedata.normalize, form) for form in ("NFC", "NFD", "NFKC", "NFKD")),
    lambda text: text.replace("k", "\u212a"),
    lambda text: text.replace("ss", "ß"),
    lambda text: text.replace("a", "\u0430"),
    lambda text: text.replace("Ω", "\u2126").replace("å", "\u212b"),
)


def odd_addresses(count: int, *, seed: int = 8) -> Iterator[str]:
    """Yields addresses good and bad; many are other spellings of one before, or look like it."""
    rng = random.Random(seed)  # noqa: S311 - to be the same each time, not secret
    earlier = ["mark.k1", "straße", "strasse", "ἄννα", "ångström"]
    for _ in range(count):
        local = _another_spelling(rng, earlier) if rng.random() < 0.4 else _local(rng)
        earlier.append(local)
        # Most at the same place: else hardly two would ever meet.
        yield f"{local}@{_DOMAINS[0] if rng.random() < 0.7 else rng.choice(_DOMAINS)}"


def _local(rng: random.Random) -> str:
    alphabet = rng.choice(_ALPHABETS) + (rng.choice(_ALPHABETS) if rng.random() < 0.3 else "")
    length = rng.choice((1, 3, 5, 8, 20, 22, 33, 64, 65))
    local = "".join(rng.choice(alphabet) for _ in range(length))
    if rng.random() < 0.25:
        at = rng.randrange(length)
        local = local[:at] + rng.choice((".", *_NASTY)) + local[at:]
    if rng.random() < 0.1:
        local += chr(rng.randrange(0x110000))
    return local


def _another_spelling(rng: random.Random, earlier: list[str]) -> str:
    local = rng.choice(earlier)
    if rng.random() < 0.2:
        at = rng.randrange(len(local) + 1)
        return local[:at] + rng.choice(_NASTY) + local[at:]
    return rng.choice(_SPELLINGS)(local) or "x"

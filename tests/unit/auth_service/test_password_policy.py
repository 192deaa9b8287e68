import time

import pytest

from auth_service.domain.address import parse_address
from auth_service.domain.guessing import Weakness, prepare
from auth_service.domain.password_policy import (
    MAX_LENGTH,
    WrongLength,
    find_reason,
    find_wrong_length,
    normalized,
)

prepare()
ADDRESS = parse_address("linh.tran@orchard.example")


def flaw_of(password: str) -> WrongLength | Weakness | None:
    return find_wrong_length(password) or find_reason(password, ADDRESS)


@pytest.mark.parametrize(
    "password",
    [
        "three boats at dawn",
        "ba chiếc thuyền lúc bình minh",
        "三艘船在黎明时分离开港口向东方去",
        "🐟🐠🐡🦈🐙🐚🐌🦋🐛🐜🐝🐞🦗🕷🦂",
        "password, but in a sentence of my own",
        "x7Kq9-mW2v_Rt5bZ",
        "                a b c d e f",
    ],
)
def test_any_characters_are_fine(password: str) -> None:
    assert flaw_of(password) is None


def test_length_is_counted_in_code_points_after_composition() -> None:
    assert flaw_of("e\u0301" * 14) is WrongLength.TOO_SHORT
    assert flaw_of("fourteen chars") is WrongLength.TOO_SHORT
    assert flaw_of("fifteen chars !") is None
    assert flaw_of("ab cd ef gh " * 21 + "1234") is None
    assert flaw_of("ab cd ef gh " * 21 + "12345") is WrongLength.TOO_LONG


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password12345678",
        "1234567890123456",
        "qwertyuiopasdfghjkl",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "iloveyouiloveyou",
        "CorrectHorseBatteryStaple",
        "linh.tran@orchard.example",
        "LinhTranOrchard2026",
        "postern-postern-postern",
        "p@ssw0rdp@ssw0rd!",
        "111222333444555",
        "q1w2e3r4t5y6u7i8o9p0",
        "aaaaaaaaaaaaaaab",
        "correct horse battery staple",
        "correct-horse_battery.staple",
        "Correct Horse Battery Staple 1",
        "01/02/1990 01/02/1990",
        "a" * 256,
        "abc123" * 40,
        "password1" * 20,
        "qwertyuiop" * 10,
        "linh tran " * 20,
    ],
)
def test_what_anybody_would_guess_is_refused(password: str) -> None:
    assert isinstance(flaw_of(password), Weakness)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("q1w2e3r4t5y6u7i8o9p0", Weakness.COMMON),
        ("correct horse battery staple", Weakness.COMMON),
        ("aaaaaaaaaaaaaaab", Weakness.REPEAT),
        ("abcdefghijklmnopqrs", Weakness.SEQUENCE),
        ("zxcvbnm,./zxcvbnm,.", Weakness.REPEAT),
        ("LinhTranOrchard2026", Weakness.OWN_WORDS),
    ],
)
def test_why_is_said_in_a_word(password: str, reason: Weakness) -> None:
    assert find_reason(password, ADDRESS) is reason


def test_what_is_strong_at_one_end_is_strong() -> None:
    assert flaw_of("a" * 100 + "x7Kq9-mW2v_Rt5bZ") is None
    assert flaw_of("x7Kq9-mW2v_Rt5bZ" + "a" * 100) is None


@pytest.mark.parametrize(
    "pattern",
    ["48({3691|0$5+7%2@!<[", "4@5$10!|i", "1/2/", "a", "ab", "1234567890", "\U0001f41f", "password "],
)
def test_no_password_takes_long_to_judge(pattern: str) -> None:
    shuffled = "".join(pattern[(i * i * 7 + i // 3) % len(pattern)] for i in range(MAX_LENGTH))
    for text in ((pattern * MAX_LENGTH)[:MAX_LENGTH], shuffled):
        started = time.thread_time()
        flaw_of(text)
        assert time.thread_time() - started < 0.25


def test_every_keyboards_accents_are_one_password() -> None:
    assert normalized("cafe\u0301") == normalized("caf\u00e9")

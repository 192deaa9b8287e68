import pytest

from auth_service.domain.address import parse_address
from auth_service.domain.password_policy import PasswordFlaw, find_flaw, normalized

ADDRESS = parse_address("linh.tran@orchard.example")


@pytest.mark.parametrize(
    "password",
    [
        "three boats at dawn",
        "correct horse battery staple",
        "ba chiếc thuyền lúc bình minh",
        "三艘船在黎明时分离开港口向东方去",
        "🐟🐠🐡🦈🐙🐚🐌🦋🐛🐜🐝🐞🦗🕷🦂",
        "password, but in a sentence of my own",
        "x7Kq9-mW2v_Rt5bZ",
        "                a b c d e f",
    ],
)
def test_any_characters_are_fine(password: str) -> None:
    assert find_flaw(password, ADDRESS) is None


def test_length_is_counted_in_code_points_after_composition() -> None:
    assert find_flaw("e\u0301" * 14, ADDRESS) is PasswordFlaw.TOO_SHORT
    assert find_flaw("fourteen chars", ADDRESS) is PasswordFlaw.TOO_SHORT
    assert find_flaw("fifteen chars !", ADDRESS) is None
    assert find_flaw("ab cd ef gh " * 21 + "1234", ADDRESS) is None
    assert find_flaw("ab cd ef gh " * 21 + "12345", ADDRESS) is PasswordFlaw.TOO_LONG


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
    ],
)
def test_what_anybody_would_guess_is_refused(password: str) -> None:
    assert find_flaw(password, ADDRESS) is PasswordFlaw.GUESSABLE


def test_every_keyboards_accents_are_one_password() -> None:
    assert normalized("cafe\u0301") == normalized("caf\u00e9")

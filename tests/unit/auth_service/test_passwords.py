import threading
from dataclasses import dataclass, field

import argon2
import pytest

from auth_service.errors import TooBusy
from auth_service.security.passwords import Passwords

SALT = bytes(range(16))


@dataclass(slots=True)
class HeldUp:
    """An observer that keeps the first computation's turn until it is let go."""

    refusals: int = 0
    entered: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def computed(self, seconds: float, waited: float) -> None:
        assert seconds > 0
        assert waited >= 0
        self.entered.set()
        assert self.let_go.wait(10)

    def refused(self) -> None:
        self.refusals += 1


def test_a_hash_is_argon2id_and_checks_against_its_password_only() -> None:
    observer = HeldUp()
    observer.let_go.set()
    encoded = Passwords(at_once=1, wait_seconds=1, observer=observer).hash("three boats at dawn", salt=SALT)
    assert argon2.PasswordHasher().verify(encoded, "three boats at dawn")
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        argon2.PasswordHasher().verify(encoded, "four boats at dawn")


def test_beyond_the_limit_a_caller_is_told_to_come_back() -> None:
    observer = HeldUp()
    passwords = Passwords(at_once=1, wait_seconds=0.05, observer=observer)
    first = threading.Thread(target=passwords.hash, args=("three boats at dawn",), kwargs={"salt": SALT})
    first.start()
    assert observer.entered.wait(10)
    with pytest.raises(TooBusy):
        passwords.hash("three boats at dusk", salt=SALT)
    observer.let_go.set()
    first.join()
    assert observer.refusals == 1
    assert passwords.hash("three boats at dusk", salt=SALT)


def test_the_same_password_with_the_same_salt_has_the_same_hash() -> None:
    observer = HeldUp()
    observer.let_go.set()
    passwords = Passwords(at_once=1, wait_seconds=1, observer=observer)
    one = passwords.hash("three boats at dawn", salt=SALT)
    assert passwords.hash("three boats at dawn", salt=SALT) == one
    assert passwords.hash("three boats at dawn", salt=bytes(16)) != one

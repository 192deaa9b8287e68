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
    queue: list[int] = field(default_factory=lambda: [0])
    entered: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def queued(self) -> None:
        self.queue.append(self.queue[-1] + 1)

    def begun(self) -> None:
        self.queue.append(self.queue[-1] - 1)

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
    assert observer.queue == [0, 1, 0]
    assert passwords.hash("three boats at dusk", salt=SALT)


def test_the_same_password_with_the_same_salt_has_the_same_hash() -> None:
    observer = HeldUp()
    observer.let_go.set()
    passwords = Passwords(at_once=1, wait_seconds=1, observer=observer)
    one = passwords.hash("three boats at dawn", salt=SALT)
    assert passwords.hash("three boats at dawn", salt=SALT) == one
    assert passwords.hash("three boats at dawn", salt=bytes(16)) != one


class Counting:
    """An observer that counts computations."""

    computations = 0

    def queued(self) -> None:
        raise AssertionError

    def begun(self) -> None:
        raise AssertionError

    def computed(self, seconds: float, waited: float) -> None:
        assert (seconds > 0, waited >= 0) == (True, True)
        self.computations += 1

    def refused(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("encoded", ["of it", "of another", None, "garbled", "$argon2id$v=19$m=1"])
def test_verifying_computes_one_hash_whatever_there_is_and_says_yes_for_the_right_one_alone(
    encoded: str | None,
) -> None:
    observer = Counting()
    passwords = Passwords(at_once=1, wait_seconds=1, observer=observer)
    made = {
        "of it": passwords.hash("three boats at dawn", salt=SALT),
        "of another": passwords.hash("four boats at dawn", salt=SALT),
    }
    before = observer.computations
    kept = None if encoded is None else made.get(encoded, encoded)
    assert passwords.verify(kept, "three boats at dawn") is (encoded == "of it")
    assert observer.computations == before + 1


def test_a_hash_of_other_parameters_is_verified_and_outdated() -> None:
    passwords = Passwords(at_once=1, wait_seconds=1, observer=Counting())
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("three boats at dawn")
    assert passwords.verify(old, "three boats at dawn")
    assert passwords.is_outdated(old)
    assert not passwords.is_outdated(passwords.hash("three boats at dawn", salt=SALT))

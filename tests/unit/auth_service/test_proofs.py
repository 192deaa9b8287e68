import base64
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import altcha
import pytest

from auth_service.domain.proof import Challenge
from auth_service.security.proofs import Proofs
from auth_service.security.secrets import KeyedHash

KEY = KeyedHash("a key for hashes, only for tests, long enough")


@pytest.fixture
def proofs() -> Proofs:
    return Proofs(keyed_hash=KEY, tries=20)


def solved(challenge: Challenge) -> dict[str, Any]:
    """What a client of ALTCHA makes of it."""
    asked = altcha.Challenge.from_dict(challenge.document)
    solution = altcha.solve_challenge(asked)
    assert solution is not None
    return altcha.Payload(asked, solution).to_dict()


def encoded(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def test_what_altchas_own_client_solves_is_taken_by_any_process_with_the_same_key(proofs: Proofs) -> None:
    proof = encoded(solved(proofs.new_challenge()))
    assert proofs.serial_of(proof)
    assert Proofs(keyed_hash=KEY, tries=99).serial_of(proof) == proofs.serial_of(proof)
    assert Proofs(keyed_hash=KeyedHash("another key"), tries=20).serial_of(proof) is None


def test_each_challenge_has_a_serial_of_its_own(proofs: Proofs) -> None:
    serials = {proofs.serial_of(encoded(solved(proofs.new_challenge()))) for _ in range(5)}
    assert len(serials) == 5
    assert None not in serials


def test_the_work_is_between_half_of_the_tries_and_all_of_them(proofs: Proofs) -> None:
    counters = [solved(proofs.new_challenge())["solution"]["counter"] for _ in range(10)]
    assert min(counters) >= 10
    assert max(counters) < 20


def spoiled(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def apply(proof: dict[str, Any]) -> dict[str, Any]:
        copy = deepcopy(proof)
        change(copy)
        return copy

    return apply


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: proof["solution"].update(derivedKey="00" * 32),
        lambda proof: proof["solution"].update(derivedKey=proof["challenge"]["parameters"]["keyPrefix"]),
        lambda proof: proof["solution"].update(derivedKey=7),
        lambda proof: proof["challenge"]["parameters"].update(cost=1),
        lambda proof: proof["challenge"]["parameters"].update(keyPrefix="00"),
        lambda proof: proof["challenge"]["parameters"].update(
            expiresAt=proof["challenge"]["parameters"]["expiresAt"] + 60
        ),
        lambda proof: proof["challenge"]["parameters"].update(expiresAt=1),
        lambda proof: proof["challenge"]["parameters"].pop("expiresAt"),
        lambda proof: proof["challenge"]["parameters"].pop("keySignature"),
        lambda proof: proof["challenge"]["parameters"].pop("nonce"),
        lambda proof: proof["challenge"].update(signature="00" * 32),
        lambda proof: proof["challenge"].update(signature=proof["challenge"]["signature"].upper()),
        lambda proof: proof["challenge"].update(signature=None),
        lambda proof: proof["challenge"].update(parameters=[]),
        lambda proof: proof.update(challenge="x"),
        lambda proof: proof.update(solution=[]),
        lambda proof: proof.pop("solution"),
    ],
)
def test_a_proof_with_anything_changed_is_none(
    proofs: Proofs, change: Callable[[dict[str, Any]], object]
) -> None:
    proof = solved(proofs.new_challenge())
    assert proofs.serial_of(encoded(spoiled(change)(proof))) is None


@pytest.mark.parametrize(
    "proof",
    [
        "",
        "x",
        "%%%%",
        encoded([]),
        encoded("x"),
        encoded(None),
        encoded({}),
        base64.b64encode(b"\xff").decode(),
        base64.b64encode(b"[" * 1500).decode(),
        "A" * 2049,
    ],
)
def test_what_is_no_proof_at_all_is_none(proofs: Proofs, proof: str) -> None:
    assert proofs.serial_of(proof) is None


def test_a_solution_of_another_challenge_is_none(proofs: Proofs) -> None:
    one, other = solved(proofs.new_challenge()), solved(proofs.new_challenge())
    assert proofs.serial_of(encoded({"challenge": one["challenge"], "solution": other["solution"]})) is None

"""What a client of ALTCHA does with a challenge: the library's own solver."""

from typing import Any

import altcha


def solve(problem: dict[str, Any]) -> str:
    """The `proof` for a 428's challenge."""
    challenge = altcha.Challenge.from_dict(problem["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()

"""Sixteen wrong codes at once tell no more of an address than one: they wait for the same locks, whatever is known of it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.auth_api import AuthApi
from support.database import Database
from support.standings import STANDINGS, address, people
from support.telling_apart import Samples, assert_alike, in_turn

BURSTS = 300
"""Of each class a look; by chance alone the figure is then outside once in 30 times, of three looks together once in 4,000."""
LOOKS = 3
AT_ONCE = 16
WARM_UP = 5
A_LOOK = WARM_UP + BURSTS


@pytest.mark.slow
@pytest.mark.quiet
@pytest.mark.timeout(900)
def test_sixteen_wrong_codes_at_once_tell_nothing_by_their_time(auth_database: Database) -> None:
    api = AuthApi.on(auth_database.url, api_threads=AT_ONCE)
    for standing in ("unverified", "verified"):
        people(api, standing, LOOKS * A_LOOK)

    def guess(email: str) -> float:
        start = time.perf_counter()
        assert api.post("/v1/verifications", {"email": email, "code": "00000000"}).status_code == 400
        return time.perf_counter() - start

    with ThreadPoolExecutor(AT_ONCE) as pool:

        def measure(look: int) -> Samples:
            seconds: dict[str, list[float]] = {standing: [] for standing in STANDINGS}
            for standing, number in in_turn(STANDINGS, A_LOOK):
                email = address(standing, look * A_LOOK + number)
                took = sum(pool.map(guess, [email] * AT_ONCE))
                if number >= WARM_UP:
                    seconds[standing].append(took)
            return seconds

        assert_alike(measure, looks=LOOKS)

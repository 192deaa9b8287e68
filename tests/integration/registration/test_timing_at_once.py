"""Sixteen requests at once about one address tell no more than one: the last waits for the others, whatever is known of it."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.auth_api import AuthApi
from support.database import Database
from support.standings import STANDINGS, address, people, strangers, strangers_secret
from support.telling_apart import LOOKS, Samples, assert_alike, in_turn

BURSTS = 250
"""Of each class, 4,000 requests: a burst is one sample, and takes a fifth of a second. By chance alone the figure is outside once in
38 times, of twice as many bursts once in 160."""
AT_ONCE = 16
WARM_UP = 5
A_LOOK = WARM_UP + BURSTS

pytestmark = [pytest.mark.slow, pytest.mark.quiet, pytest.mark.timeout(900)]


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    api = AuthApi.on(auth_database.url, api_threads=AT_ONCE)
    for standing in ("unverified", "verified"):
        people(api, standing, LOOKS * A_LOOK)
    return api


Request = tuple[str, Mapping[str, str], int]
"""Path, body, and the status of its answer."""


def wrong_code(standing: str, number: int) -> Request:
    return "/v1/verifications", {"email": address(standing, number), "code": "00000000"}, 400


def resend(standing: str, number: int) -> Request:
    return "/v1/registrations/resend", {"email": address(standing, number)}, 202


def strangers_resend(standing: str, number: int) -> Request:
    return (
        "/v1/registrations/resend",
        {"registration_secret": strangers_secret(standing, number)},
        202,
    )


@pytest.mark.parametrize("request_of", [wrong_code, resend, strangers_resend])
def test_sixteen_at_once_tell_nothing_by_their_time(
    api: AuthApi, request_of: Callable[[str, int], Request]
) -> None:
    if request_of is strangers_resend:
        for standing in STANDINGS:
            strangers(api, standing, LOOKS * A_LOOK)

    def ask(request: Request) -> float:
        path, body, status = request
        start = time.perf_counter()
        assert api.post(path, body).status_code == status
        return time.perf_counter() - start

    with ThreadPoolExecutor(AT_ONCE) as pool:

        def measure(look: int) -> Samples:
            seconds: dict[str, list[float]] = {standing: [] for standing in STANDINGS}
            for standing, number in in_turn(STANDINGS, A_LOOK):
                request = request_of(standing, look * A_LOOK + number)
                took = sum(pool.map(ask, [request] * AT_ONCE))
                if number >= WARM_UP:
                    seconds[standing].append(took)
            return seconds

        assert_alike(measure)

"""Nobody learns from the time an answer takes whether an address is known: SECURITY's 500 samples a class, one at a time.

How samples are judged, and how surely, says support/telling_apart.py.
"""

import time
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi
from support.standings import STANDINGS, address, people, strangers, strangers_secret
from support.telling_apart import LOOKS, Samples, assert_alike, in_turn

pytestmark = [pytest.mark.slow, pytest.mark.quiet, pytest.mark.timeout(600)]

SAMPLES = 500
WARM_UP = 10
A_LOOK = WARM_UP + SAMPLES
REGISTRATIONS, RESEND, VERIFICATIONS = "/v1/registrations", "/v1/registrations/resend", "/v1/verifications"

Call = Callable[[str, int], TestResponse]


def assert_time_tells_nothing(api: AuthApi, call: Call, status: int) -> None:
    """Each address is asked about once, whatever its standing."""
    for standing in ("unverified", "verified"):
        people(api, standing, LOOKS * A_LOOK)

    def measure(look: int) -> Samples:
        seconds: dict[str, list[float]] = {standing: [] for standing in STANDINGS}
        for standing, number in in_turn(STANDINGS, A_LOOK):
            start = time.perf_counter()
            answer = call(standing, look * A_LOOK + number)
            took = time.perf_counter() - start
            assert answer.status_code == status
            if number >= WARM_UP:
                seconds[standing].append(took)
        return seconds

    assert_alike(measure)


def test_time_tells_nothing_when_registering(api: AuthApi) -> None:
    def register(standing: str, number: int) -> TestResponse:
        return api.post(REGISTRATIONS, {"email": address(standing, number), "password": PASSWORD})

    assert_time_tells_nothing(api, register, 202)


def test_time_tells_nothing_when_asking_for_the_letter_again_by_address(api: AuthApi) -> None:
    assert_time_tells_nothing(api, lambda s, n: api.post(RESEND, {"email": address(s, n)}), 202)


def test_time_tells_nothing_when_a_stranger_asks_for_their_own_letter_again(api: AuthApi) -> None:
    for standing in STANDINGS:
        strangers(api, standing, LOOKS * A_LOOK)

    def resend(standing: str, number: int) -> TestResponse:
        return api.post(RESEND, {"registration_secret": strangers_secret(standing, number)})

    assert_time_tells_nothing(api, resend, 202)


def test_time_tells_nothing_when_guessing_a_code(api: AuthApi) -> None:
    def guess(standing: str, number: int) -> TestResponse:
        return api.post(VERIFICATIONS, {"email": address(standing, number), "code": "00000000"})

    assert_time_tells_nothing(api, guess, 400)


@pytest.mark.parametrize("path", ["/v1/password-resets", "/v1/sign-in-links"])
def test_time_tells_nothing_when_asking_for_a_way_into_an_account(api: AuthApi, path: str) -> None:
    assert_time_tells_nothing(api, lambda s, n: api.post(path, {"email": address(s, n)}), 202)


def test_time_tells_nothing_when_guessing_a_code_that_signs_in(api: AuthApi) -> None:
    def guess(standing: str, number: int) -> TestResponse:
        path = "/v1/sign-in-links/confirm"
        return api.post(path, {"email": address(standing, number), "code": "00000000"})

    assert_time_tells_nothing(api, guess, 400)

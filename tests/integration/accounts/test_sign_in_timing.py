"""Nobody learns from the time a refused sign-in takes whether an address has an account: 500 samples a class, one at a time.

How samples are judged, and how surely, says support/telling_apart.py.
"""

import time

import pytest

from support.auth_api import PASSWORD, AuthApi
from support.signed_in import SESSIONS, hash_of
from support.standings import address, people
from support.telling_apart import LOOKS, Samples, assert_alike, in_turn

pytestmark = [pytest.mark.slow, pytest.mark.quiet, pytest.mark.timeout(900)]

SAMPLES = 500
WARM_UP = 10
A_LOOK = WARM_UP + SAMPLES
CLASSES = ("unknown", "unverified", "verified", "_disabled", "_nopasswd")
"""Nobody registered it; somebody did and never confirmed it; a wrong password; the right one of a disabled account; none at all."""


def make_people(api: AuthApi) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, LOOKS * A_LOOK)
    api.sql("UPDATE accounts SET password_hash = %s", hash_of(f"not {PASSWORD}"))
    for standing in ("_disabled", "_nopasswd"):
        api.sql(
            "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at, disabled_at)"
            " SELECT gen_random_uuid(), name, name, %s, 'en', now(), CASE WHEN %s THEN now() END"
            " FROM (SELECT lpad(%s, 10, '_') || '.' || lpad(n::text, 4, '0') || '@example.com' AS name"
            "       FROM generate_series(0, %s - 1) n) AS named",
            hash_of(PASSWORD) if standing == "_disabled" else None,
            standing == "_disabled",
            standing,
            LOOKS * A_LOOK,
        )
    api.sql("ANALYZE accounts")


def test_time_tells_nothing_when_a_sign_in_is_refused(api: AuthApi) -> None:
    make_people(api)

    def measure(look: int) -> Samples:
        seconds: dict[str, list[float]] = {name: [] for name in CLASSES}
        for name, number in in_turn(CLASSES, A_LOOK):
            body = {"email": address(name, look * A_LOOK + number), "password": PASSWORD}
            start = time.perf_counter()
            answer = api.post(SESSIONS, body)
            took = time.perf_counter() - start
            assert answer.status_code == 401
            if number >= WARM_UP:
                seconds[name].append(took)
        return seconds

    assert_alike(measure)

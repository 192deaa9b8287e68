"""Nobody learns from the time a refused sign-in takes whether an address has an account: 500 samples a class, one at a time.

How samples are judged, and how surely, says support/telling_apart.py.
"""

import time
from collections.abc import Sequence

import pytest

from auth_service.security.imported_hashes import read_hash
from support.auth_api import PASSWORD, AuthApi
from support.exported_hashes import EXPORTED
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
    add_many(api, "_disabled", hash_of(PASSWORD), disabled=True)
    add_many(api, "_nopasswd", None)
    api.sql("ANALYZE accounts")


def add_many(api: AuthApi, standing: str, password_hash: str | None, *, disabled: bool = False) -> None:
    api.sql(
        "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at, disabled_at)"
        " SELECT gen_random_uuid(), name, name, %s, 'en', now(), CASE WHEN %s THEN now() END"
        " FROM (SELECT lpad(%s, 10, '_') || '.' || lpad(n::text, 4, '0') || '@example.com' AS name"
        "       FROM generate_series(0, %s - 1) n) AS named",
        password_hash,
        disabled,
        standing,
        LOOKS * A_LOOK,
    )


def assert_refusals_alike(api: AuthApi, classes: Sequence[str]) -> None:
    def measure(look: int) -> Samples:
        seconds: dict[str, list[float]] = {name: [] for name in classes}
        for name, number in in_turn(classes, A_LOOK):
            body = {"email": address(name, look * A_LOOK + number), "password": PASSWORD}
            start = time.perf_counter()
            answer = api.post(SESSIONS, body)
            took = time.perf_counter() - start
            assert answer.status_code == 401
            if number >= WARM_UP:
                seconds[name].append(took)
        return seconds

    assert_alike(measure)


def test_time_tells_nothing_when_a_sign_in_is_refused(api: AuthApi) -> None:
    make_people(api)
    assert_refusals_alike(api, CLASSES)


def test_time_tells_nothing_of_accounts_that_were_imported_with_other_hashes(api: AuthApi) -> None:
    people(api, "verified", LOOKS * A_LOOK)
    api.sql("UPDATE accounts SET password_hash = %s", hash_of(f"not {PASSWORD}"))
    imported = {
        "_bcrypt": "passlib bcrypt",
        "_pbkdf2": "django pbkdf2",
        "_keycloak": "keycloak pbkdf2",
    }
    for standing, name in imported.items():
        stored = read_hash(EXPORTED[name])
        assert stored is not None
        add_many(api, standing, stored.phc)
    api.sql("ANALYZE accounts")
    assert_refusals_alike(api, ("unknown", "verified", *imported))

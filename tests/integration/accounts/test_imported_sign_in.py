"""Who was imported signs in with the password they had, whatever its hash; from then on it is one of ours."""

import json

import pytest

from auth_service.db.password_kinds import find_password_kinds
from auth_service.security.imported_hashes import read_hash
from auth_service.security.stored_hashes import kind_of
from service_runtime.database.engine import build_engine, build_sessions
from support.auth_api import PASSWORD as LONG_PASSWORD
from support.auth_api import AuthApi
from support.exported_hashes import EXPORTED, PASSWORD
from support.signed_in import SESSIONS, add_account, sign_in

OURS = "$argon2id$v=19$m=19456,t=2,p=1"


@pytest.fixture
def imported(api: AuthApi) -> dict[str, str]:
    """Somebody for each kind of hash: the address, and what is kept."""
    people: dict[str, str] = {}
    for number, exported in enumerate(EXPORTED.values()):
        stored = read_hash(exported)
        assert stored is not None
        people[f"p{number}@example.com"] = stored.phc
    api.sql(
        "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
        " SELECT gen_random_uuid(), key, key, value, 'en', now() FROM json_each_text(%s)",
        json.dumps(people),
    )
    return people


def test_everybody_signs_in_as_before_and_is_kept_as_one_of_ours(
    api: AuthApi, imported: dict[str, str]
) -> None:
    for email, stored in imported.items():
        wrong = api.post(SESSIONS, {"email": email, "password": PASSWORD.lower()})
        assert wrong.status_code == 401
        answer = api.post(SESSIONS, {"email": email, "password": PASSWORD})
        assert answer.status_code == 201, (email, stored)
        assert answer.get_json()["password_change_advised"] is True
    hashes = [row[0] for row in api.sql("SELECT password_hash FROM accounts")]
    assert {kind_of(phc) for phc in hashes} == {OURS}
    assert len(set(hashes)) == len(imported)
    assert api.post(SESSIONS, {"email": next(iter(imported)), "password": PASSWORD}).status_code == 201


def test_every_kind_that_is_kept_is_known_and_those_of_nobody_are_not(
    api: AuthApi, imported: dict[str, str]
) -> None:
    add_account(api, "linh@example.com")
    add_account(api, "by.link@example.com", None)
    with build_sessions(build_engine(api.database_url, application="test")).begin() as session:
        assert set(find_password_kinds(session)) == {kind_of(phc) for phc in imported.values()} | {OURS}
        assert len(find_password_kinds(session)) == len(set(find_password_kinds(session)))


def test_a_long_password_is_not_asked_to_grow_and_a_hash_nobody_can_read_shuts_nobody_out(
    api: AuthApi,
) -> None:
    add_account(api, "linh@example.com")
    api.sql(
        "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
        " SELECT gen_random_uuid(), n, n, n, 'en', now() FROM unnest(%s) AS n",
        ["x", "$bcrypt$r=zz$a$b", "$pbkdf2-md5$i=1,l=2$a$b"],
    )
    sign_in(api, "linh@example.com")
    answer = api.post(SESSIONS, {"email": "linh@example.com", "password": LONG_PASSWORD})
    assert "password_change_advised" not in answer.get_json()

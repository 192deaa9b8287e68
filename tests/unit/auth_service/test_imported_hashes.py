"""Hashes of other software: each string is what that software wrote for one password, at a low cost."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from auth_service.security.equal_work import check
from auth_service.security.imported_hashes import RefusedHash, read_hash
from auth_service.security.stored_hashes import kind_of, read_stored
from support.exported_hashes import EXPORTED, PASSWORD


@pytest.mark.parametrize("exported", EXPORTED.values(), ids=EXPORTED.keys())
def test_a_hash_of_other_software_checks_against_its_password_only(exported: str | Mapping[str, Any]) -> None:
    stored = read_hash(exported)
    assert stored is not None
    kinds = [kind_of(stored.phc)]
    assert check(stored.phc, PASSWORD, kinds=kinds)
    assert not check(stored.phc, PASSWORD + ".", kinds=kinds)
    assert not check(None, PASSWORD, kinds=kinds)
    assert read_stored(stored.phc) == stored


def test_a_credential_of_keycloak_may_be_a_string() -> None:
    exported = EXPORTED["keycloak pbkdf2"]
    assert read_hash(json.dumps(exported)) == read_hash(exported)


def test_what_is_kept_of_an_import_can_be_imported_again() -> None:
    for exported in EXPORTED.values():
        stored = read_hash(exported)
        assert stored is not None
        assert read_hash(stored.phc) == stored


@pytest.mark.parametrize("exported", [None, "", "!", "!AbCdEfGh1234"])
def test_an_account_without_a_password_has_none_here_either(exported: str | None) -> None:
    assert read_hash(exported) is None


@pytest.mark.parametrize(
    "exported",
    [
        "pbkdf2_sha256$9999$salt$yAuKwyCItlzfIIuWxc2DVGGImV10pp1vRe/2fBSAwp4=",
        "pbkdf2_sha256$2000001$salt$yAuKwyCItlzfIIuWxc2DVGGImV10pp1vRe/2fBSAwp4=",
        "pbkdf2_sha256$999999999$salt$yAuKwyCItlzfIIuWxc2DVGGImV10pp1vRe/2fBSAwp4=",
        "pbkdf2_sha256$20000$salt$c2hvcnQ=",
        "$2b$07$W2GXKnNiA/.qyqecOXKzL.hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy",
        "$2b$15$W2GXKnNiA/.qyqecOXKzL.hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy",
        "$2b$31$W2GXKnNiA/.qyqecOXKzL.hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy",
        "$scrypt$ln=10,r=8,p=1$LAXgXCultFaKEcI4R4hxrg$1uZsRzs76AKWBkgpIAidMNYMJzRF5xSDxhKTX7vljQs",
        "$scrypt$ln=18,r=8,p=1$LAXgXCultFaKEcI4R4hxrg$1uZsRzs76AKWBkgpIAidMNYMJzRF5xSDxhKTX7vljQs",
        "$scrypt$ln=99,r=8,p=1$LAXgXCultFaKEcI4R4hxrg$1uZsRzs76AKWBkgpIAidMNYMJzRF5xSDxhKTX7vljQs",
        "$scrypt$ln=14,r=8,p=999$LAXgXCultFaKEcI4R4hxrg$1uZsRzs76AKWBkgpIAidMNYMJzRF5xSDxhKTX7vljQs",
        "$argon2id$v=19$m=4194304,t=1,p=1$2DtHaM3Z21urtdZ6D0FoLQ$GLam4AXlRj/B7yfa4WT4pT2TZcxcHsfyCLSo01wbdh8",
        "$argon2id$v=19$m=65536,t=99,p=1$2DtHaM3Z21urtdZ6D0FoLQ$GLam4AXlRj/B7yfa4WT4pT2TZcxcHsfyCLSo01wbdh8",
        "$argon2id$v=19$m=8,t=1,p=1$2DtHaM3Z21urtdZ6D0FoLQ$GLam4AXlRj/B7yfa4WT4pT2TZcxcHsfyCLSo01wbdh8",
    ],
)
def test_a_hash_that_is_too_cheap_or_too_costly_is_refused(exported: str) -> None:
    with pytest.raises(RefusedHash, match="too cheap or too costly"):
        read_hash(exported)


@pytest.mark.parametrize(
    "exported",
    [
        "md5$salt$0cc175b9c0f1b6a831c399e269772661",
        "pbkdf2_sha1$20000$salt$yAuKwyCItlzfIIuWxc2DVGGImV0=",
        "$6$salt$" + "x" * 86,
        "$1$salt$abc",
        "hunter2",
        "$2b$08$short",
        "pbkdf2_sha256$20000$salt$yAuKwyCItlzf!",
        "$argon2id$v=19$m=8192$x",
        "{",
        '{"secretData": "{}", "credentialData": "{}"}',
        {"secretData": "[]", "credentialData": "[]"},
        {},
        "x" * 10_000,
        "scrypt$8193$somesalt$8$1$FcscGkvJOtJSbyrwdqKZng==",
    ],
)
def test_any_other_string_is_refused_without_being_quoted(exported: str | Mapping[str, Any]) -> None:
    with pytest.raises(RefusedHash) as refused:
        read_hash(exported)
    assert str(refused.value) in {
        "the password hash is broken",
        "the password hash is of no kind that can be checked here",
    }


def test_every_check_does_the_work_of_every_kind_that_is_kept() -> None:
    """A bcrypt of cost 9 and a cheap PBKDF2: without an account, and with either, it is the work of both."""
    costly, cheap = (
        "$bcrypt$r=9$W2GXKnNiA/.qyqecOXKzL.$hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy",
        "$bcrypt$r=8$W2GXKnNiA/.qyqecOXKzL.$hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy",
    )
    pbkdf2 = read_hash(EXPORTED["django pbkdf2"])
    assert pbkdf2 is not None
    kept = [costly, cheap, pbkdf2.phc]
    kinds = [kind_of(phc) for phc in kept]

    def seconds(phc: str | None) -> float:
        best = 9.0
        for _ in range(3):
            started = time.thread_time()
            check(phc, "another password", kinds=kinds)
            best = min(best, time.thread_time() - started)
        return best

    alone = seconds(None)
    for phc in kept:
        assert seconds(phc) == pytest.approx(alone, rel=0.3)

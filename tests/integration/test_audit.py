"""`auth-service audit`: who did what to an account, also to one that is gone."""

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from auth_service.db.audit import record
from auth_service.domain.audit import SYSTEM, AuditAction, AuditResult, operator_actor
from auth_service.security.secrets import KeyedHash
from service_runtime.database.engine import build_engine, build_sessions
from support import nursery
from support.auth_api import HASH_KEY, AuthApi
from support.database import Database

COMMAND = Path(sys.executable).parent / "auth-service"
LINH = "Linh@example.com"


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url)


@pytest.fixture
def sessions(api: AuthApi) -> sessionmaker[Session]:
    return build_sessions(build_engine(api.database_url, application="test"))


def audit(api: AuthApi, *arguments: str, code: int = 0) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "AUTH_DATABASE_URL": api.database_url,
        "AUTH_HASH_KEY": HASH_KEY,
    }
    done = nursery.run([COMMAND, "audit", *arguments], environment=environment)
    assert done.returncode == code, done.stderr
    return done.stdout


def test_what_was_done_to_an_account_is_told_by_address_and_by_id(
    api: AuthApi, sessions: sessionmaker[Session]
) -> None:
    api.verify(LINH)
    ((account,),) = api.sql("SELECT id FROM accounts")
    tag = KeyedHash(HASH_KEY).recipient_tag("linh@example.com")
    with sessions.begin() as session:
        record(session, AuditAction.VERIFY, actor=SYSTEM, target=tag, result=AuditResult.REFUSED)
        record(
            session,
            AuditAction.ACCOUNT_DISABLE,
            actor=operator_actor("bao"),
            target=account,
            detail={"sessions": 2},
        )
        record(session, AuditAction.ACCOUNT_DISABLE, actor=operator_actor("bao"), target=uuid4())

    told = json.loads(audit(api, LINH, "--json"))["records"]
    assert [(each["actor"], each["action"], each["target"], each["result"]) for each in told][-2:] == [
        ("system", "verify", tag, "refused"),
        ("operator:bao", "account_disable", str(account), "done"),
    ]
    text = audit(api, LINH)
    assert "operator:bao  account_disable" in text
    assert "sessions 2" in text
    assert "example.com" not in text

    api.sql("DELETE FROM accounts")
    assert "account_disable" in audit(api, str(account), "--limit", "1")
    assert audit(api, str(uuid4()), code=1) == ""

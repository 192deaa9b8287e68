import pytest

from support.auth_api import AuthApi
from support.database import Database


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url)

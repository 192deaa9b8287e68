from collections.abc import Callable

import pytest

from support.auth_api import AuthApi
from support.database import Database
from support.visitor import Visitor


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url)


@pytest.fixture
def visitor(api: AuthApi) -> Visitor:
    return Visitor.of(api)


@pytest.fixture
def another(api: AuthApi) -> Callable[[], Visitor]:
    """Somebody else's browser."""
    return lambda: Visitor.of(api)

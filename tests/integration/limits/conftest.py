from collections.abc import Callable

import pytest

from support.auth_api import AuthApi
from support.database import Database
from support.limited_api import limited_api

MakeApi = Callable[..., AuthApi]


@pytest.fixture
def make_api(auth_database: Database) -> MakeApi:
    """Makes APIs on one database, each as another process would have it."""
    return lambda **settings: limited_api(auth_database.url, **settings)

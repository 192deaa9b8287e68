import pytest

from support.applications import APPLICATIONS, Client
from support.auth_api import AuthApi
from support.database import Database
from support.signed_in import add_account
from support.visitor import Visitor

EMAIL = "linh@example.com"


@pytest.fixture
def api(auth_database: Database) -> AuthApi:
    return AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url, applications=APPLICATIONS)


@pytest.fixture
def visitor(api: AuthApi) -> Visitor:
    """A browser whose person is signed in on our pages."""
    add_account(api, EMAIL)
    browser = Visitor.of(api)
    assert browser.sign_in(EMAIL).status_code == 200
    return browser


@pytest.fixture
def shop(api: AuthApi) -> Client:
    return Client(api=api)

import pytest

from support.auth_api import AuthApi


@pytest.fixture
def api() -> AuthApi:
    """The application with nothing behind it: at port 1 no database listens."""
    return AuthApi.on("postgresql://auth:nobody@127.0.0.1:1/auth")

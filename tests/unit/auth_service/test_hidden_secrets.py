"""What holds secrets does not show them to a log or a traceback."""

from uuid import uuid4

import pytest

from auth_service.flows.sessions import Access, Grant
from auth_service.http.account_schemas import LinkRequest, ResetRequest
from auth_service.http.session_schemas import RefreshRequest, RevocationRequest, SessionAnswer
from auth_service.security.secrets import Secret

TEXT = "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgcmVhbCBvbmU"
HOLDERS = (
    Grant(
        session_id=uuid4(),
        access=Access(token=TEXT, seconds=900),
        refresh_token=Secret(TEXT),
        refresh_seconds=1,
    ),
    RefreshRequest(refresh_token=TEXT),
    RevocationRequest(refresh_token=TEXT),
    LinkRequest(token=TEXT),
    ResetRequest.model_validate({"token": TEXT, "password": "three boats at dawn"}, strict=False),
    SessionAnswer(
        access_token=TEXT,
        expires_in=1,
        refresh_token=TEXT,
        refresh_expires_in=1,
        password_change_advised=None,
    ),
)


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_no_secret_is_shown(holder: object) -> None:
    assert TEXT not in repr(holder)
    assert TEXT not in str(holder)
    assert TEXT not in f"{holder}"

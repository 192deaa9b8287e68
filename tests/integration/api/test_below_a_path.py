"""The API below a path of somebody's address, behind a proxy that takes the path away and behind one that does not."""

import httpx
import psycopg2
import pytest

from support.database import Database
from support.reverse_proxy import reverse_proxy

from .conftest import RunApi

pytestmark = pytest.mark.slow  # two APIs behind two proxies


@pytest.mark.parametrize("strips", [True, False])
def test_pages_links_and_calls_work_below_a_path(
    run_api: RunApi, auth_database: Database, *, strips: bool
) -> None:
    with (
        reverse_proxy("/gate", strips=strips) as (outside, target),
        run_api(AUTH_PUBLIC_URL=f"{outside}/") as api,
        httpx.Client(follow_redirects=True) as browser,
    ):
        target["target"] = api.url
        page = browser.get(f"{outside}/")
        assert (page.status_code, str(page.url)) == (200, f"{outside}/signup")
        assert 'data-base="/gate"' in page.text
        assert "evil.example" not in page.text

        document = browser.get(f"{outside}/openapi.json").json()
        assert document["servers"] == [{"url": outside}]

        for place in (
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-authorization-server/gate",
        ):
            metadata = browser.get(f"{outside}{place}").json()
            assert metadata["issuer"] == outside
            assert metadata["token_endpoint"] == f"{outside}/v1/token"

        body = {"email": "linh@example.org", "password": "three boats at dawn"}
        origin = outside.removesuffix("/gate")
        answer = browser.post(f"{outside}/v1/registrations", json=body, headers={"Origin": origin})
        assert answer.status_code == 202
        receipt = answer.json()["receipt"]
        assert browser.get(f"{outside}/v1/receipts/{receipt}").json()["state"] == "accepted"
        foreign = {"Origin": "https://evil.example"}
        assert browser.post(f"{outside}/v1/registrations", json=body, headers=foreign).status_code == 403
    with psycopg2.connect(auth_database.admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM letters")
        assert cursor.fetchone() == (1,)

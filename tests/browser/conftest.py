"""A browser for the tests of this directory, and a place for its pictures."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from support.auth_api import AuthApi
from support.chromium import DESKTOP, PHONE, Window, chromium, window
from support.database import Database
from support.scripted_api import ScriptedApi, serving, serving_pages

PATIENCE_MS = 20_000
"""For a letter to go its whole way on a busy machine."""


# Ends with each module: while it lives, its event loop occupies the main thread, and other tests want their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages are kept: POSTERN_PICTURES, else among pytest's temporary directories."""
    chosen = os.environ.get("POSTERN_PICTURES")
    directory = Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
def desktop(browser: Browser, pictures: Path) -> Iterator[Window]:
    """A window on a desk, its person reads English."""
    with window(browser, device=DESKTOP, pictures=pictures) as opened:
        yield opened


@pytest.fixture
def phone(browser: Browser, pictures: Path) -> Iterator[Window]:
    """A phone whose person reads Vietnamese."""
    with window(browser, device=PHONE, pictures=pictures, locale="vi-VN") as opened:
        yield opened


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The pages alone, for windows whose API is scripted."""
    with serving_pages() as address:
        yield address


@pytest.fixture
def accounts(auth_database: Database) -> AuthApi:
    """The whole API on a database, in this process."""
    url = "http://127.0.0.1"
    return AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url, public_url=url)


@pytest.fixture
def account_site(accounts: AuthApi) -> Iterator[str]:
    """Where that is served."""
    with serving(accounts.app) as address:
        yield address


@pytest.fixture
def api(desktop: Window) -> ScriptedApi:
    """What answers the desktop's calls; nobody has an API of its own behind it."""
    scripted = ScriptedApi()
    scripted.answer(desktop.context)
    return scripted

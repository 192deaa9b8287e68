from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from dev_inbox.server import Inbox
from support.certificates import NOBODY, Authority

Connect = Callable[[], smtplib.SMTP]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as running:
        yield running


@pytest.fixture
def http(inbox: Inbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=inbox.http_url, timeout=10, verify=NOBODY) as client:
        yield client


@pytest.fixture
def connect(inbox: Inbox) -> Iterator[Connect]:
    """Opens SMTP connections that are closed after the test, whatever became of them."""
    with ExitStack() as opened:

        def open_one() -> smtplib.SMTP:
            client = smtplib.SMTP(inbox.smtp.host, inbox.smtp.port, timeout=5)
            opened.callback(client.close)
            return client

        yield open_one


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.below(tmp_path_factory.mktemp("authority"))

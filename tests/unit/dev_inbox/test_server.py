from __future__ import annotations

import httpx
import pytest

from dev_inbox.server import Inbox
from dev_inbox.service import CannotListen


def test_two_inboxes_run_side_by_side_on_ports_of_their_own() -> None:
    with Inbox() as one, Inbox() as other:
        assert len({one.smtp.port, one.http.port, other.smtp.port, other.http.port}) == 4


def test_a_taken_port_is_an_error_of_the_start_and_frees_the_other_one() -> None:
    with Inbox() as one:
        with Inbox() as other:
            free = other.smtp
        with pytest.raises(CannotListen, match=str(one.http)):
            Inbox(smtp=free, http=one.http).start()
        with Inbox(smtp=free) as third:
            assert third.smtp == free


def test_stopping_twice_changes_nothing() -> None:
    inbox = Inbox().start()
    inbox.stop()
    inbox.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(inbox.http_url)


def test_a_question_before_the_start_or_after_the_end_is_an_error() -> None:
    inbox = Inbox()
    with pytest.raises(RuntimeError):
        inbox.messages()
    with inbox:
        assert inbox.messages() == []
    with pytest.raises(RuntimeError):
        inbox.messages()

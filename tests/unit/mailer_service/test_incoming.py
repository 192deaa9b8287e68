"""What is read of a message before anybody believes it."""

from typing import Any

import pytest

from mail_contract.tasks import DELIVER_LETTER
from mailer_service.incoming import IncomingMessage


def message(*args: Any, **kwargs: Any) -> IncomingMessage:
    return IncomingMessage(task=DELIVER_LETTER, id="1f0c", args=args, kwargs=kwargs)


def test_a_letters_priority_is_what_its_header_says() -> None:
    assert message({"header": {"priority": 6}}).priority == 6


@pytest.mark.parametrize("named", ["6", None, True, 10, -1, 6.5, [6]])
def test_a_priority_that_is_none_counts_as_the_lowest(named: object) -> None:
    assert message({"header": {"priority": named}}).priority == 0


@pytest.mark.parametrize("args", [(), ({},), ({"header": 6},), (6,), ({"header": {"priority": 6}}, 6)])
def test_what_is_no_letter_has_the_lowest_priority(args: tuple[Any, ...]) -> None:
    assert message(*args).priority == 0

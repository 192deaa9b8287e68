"""What a publisher says of each message, whatever becomes of its channel."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

from mail_contract.topology import REPORT_ROUTE
from service_runtime.errors import BrokerLost
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.confirms import Answer, PublisherConfirms
from service_runtime.publishing.message import OutgoingMessage
from service_runtime.publishing.publisher import Publisher

MESSAGE = OutgoingMessage(body=b"{}", headers={}, route=REPORT_ROUTE)


class Channel:
    """A channel that breaks at a message, or once everything is answered, and answers those before."""

    def __init__(
        self, *, breaks_at: int | None = None, breaks_after: bool = False, silent: bool = False
    ) -> None:
        self.confirms = PublisherConfirms()
        self.ended = ""
        self._breaks_at = breaks_at
        self._breaks_after = breaks_after
        self._silent = silent

    def gathering(self) -> AbstractContextManager[None]:
        return nullcontext()

    def publish(self, _message: OutgoingMessage) -> None:
        number = self.confirms.add()
        if number == self._breaks_at:
            raise BrokerLost("ConnectionResetError")
        if not self._silent:
            self.confirms.on_ack(number, multiple=False)

    def read_answers(self, *, seconds: float) -> None:
        assert seconds > 0
        if self._breaks_after:
            raise BrokerLost("channel closed")

    def drop(self) -> None:
        self.ended = "dropped"

    def close(self) -> None:
        self.ended = "closed"


def opening(channels: Sequence[Channel]) -> Callable[[], ConfirmingChannel]:
    left = list(channels)

    def connect() -> ConfirmingChannel:
        if not left:
            raise BrokerLost("ConnectionRefusedError")
        return cast("ConfirmingChannel", left.pop(0))

    return connect


def answers(publisher: Publisher, count: int) -> list[tuple[Answer, str]]:
    return [(outcome.answer, outcome.reason) for outcome in publisher.publish([MESSAGE] * count)]


def test_a_channel_is_opened_once_and_kept() -> None:
    publisher = Publisher(opening([Channel()]))
    assert answers(publisher, 2) == answers(publisher, 2) == [(Answer.CONFIRMED, "")] * 2


def test_without_a_broker_everything_is_unknown() -> None:
    assert answers(Publisher(opening([])), 2) == [(Answer.UNKNOWN, "ConnectionRefusedError")] * 2


def test_what_was_written_when_the_connection_broke_and_what_was_not_is_unknown() -> None:
    broken = Channel(breaks_at=2)
    publisher = Publisher(opening([broken, Channel()]))
    lost = (Answer.UNKNOWN, "ConnectionResetError")
    assert answers(publisher, 4) == [(Answer.CONFIRMED, ""), lost, lost, lost]
    assert broken.ended == "dropped"
    assert answers(publisher, 1) == [(Answer.CONFIRMED, "")]


def test_a_channel_with_an_unanswered_message_is_not_used_again() -> None:
    silent = Channel(silent=True)
    publisher = Publisher(opening([silent, Channel()]))
    assert answers(publisher, 1) == [(Answer.UNKNOWN, "unanswered")]
    assert silent.ended == "dropped"
    assert answers(publisher, 1) == [(Answer.CONFIRMED, "")]


def test_a_channel_that_was_closed_behind_its_last_answer_is_not_used_again() -> None:
    closed = Channel(breaks_after=True)
    publisher = Publisher(opening([closed, Channel()]))
    assert answers(publisher, 1) == [(Answer.CONFIRMED, "")]
    assert closed.ended == "dropped"
    assert answers(publisher, 1) == [(Answer.CONFIRMED, "")]

"""How long letters lie in their queues, by a clock that the test turns."""

from mail_contract.letters import LetterClass
from mailer_service.queue_delay import QueueDelay
from support.clock import Clock

BULK = LetterClass.BULK


def test_the_youngest_of_those_taken_lately_counts_not_one_on_its_second_attempt() -> None:
    clock = Clock()
    delay = QueueDelay(clock=clock)
    delay.took(BULK, 3600)
    delay.took(BULK, 40)
    delay.took(BULK, 7200)
    assert delay.seconds(BULK) == 40
    assert delay.seconds(LetterClass.URGENT) == 0


def test_what_was_taken_half_a_minute_ago_says_nothing_any_more() -> None:
    clock = Clock()
    delay = QueueDelay(clock=clock)
    delay.took(BULK, 40)
    clock.forward(29)
    assert delay.seconds(BULK) == 40
    clock.forward(2)
    assert delay.seconds(BULK) == 0


def test_a_backlog_that_shrinks_is_seen_to() -> None:
    clock = Clock()
    delay = QueueDelay(clock=clock)
    delay.took(BULK, 40)
    clock.forward(16)
    delay.took(BULK, 50)
    assert delay.seconds(BULK) == 50

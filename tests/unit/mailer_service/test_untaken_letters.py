"""How long letters have been left alone in queues that nobody takes from."""

from mail_contract.letters import LetterClass
from mail_contract.topology import MAILER_BULK, MAILER_URGENT
from mailer_service.worker.untaken import UntakenLetters


def test_it_grows_from_the_first_look_until_the_queue_is_empty_or_taken_from() -> None:
    now = 0.0
    letters = UntakenLetters(clock=lambda: now)
    assert letters.seconds(LetterClass.URGENT) == 0
    letters.found({MAILER_URGENT: 3, MAILER_BULK: 0})
    now = 60.0
    letters.found({MAILER_URGENT: 4, MAILER_BULK: 0})
    assert letters.seconds(LetterClass.URGENT) == 60
    assert letters.seconds(LetterClass.BULK) == 0
    letters.found({})
    assert letters.seconds(LetterClass.URGENT) == 0

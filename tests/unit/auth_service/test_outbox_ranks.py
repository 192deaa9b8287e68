"""The order in which a backlog leaves."""

from auth_service.domain.rank import CANCELLATION_RANK, LETTER_RANKS
from mail_contract.letters import LetterClass


def test_every_class_has_a_rank_and_cancellations_go_before_all_letters() -> None:
    assert list(LETTER_RANKS) == list(LetterClass)
    assert min(LetterClass, key=LETTER_RANKS.__getitem__) is LetterClass.URGENT
    assert sorted(LETTER_RANKS.values()) == list(LETTER_RANKS.values())
    assert min(LETTER_RANKS.values()) > CANCELLATION_RANK

"""Which letters are renewed, and how often."""

from uuid import uuid4

from auth_service.domain.renewal import MAX_RENEWALS, Renewal, RequestedLetter
from mail_contract.letters import LetterName

FIRST = uuid4()


def requested(letter: LetterName, *, renewal: int = 0) -> RequestedLetter:
    own = FIRST if renewal == 0 else uuid4()
    return RequestedLetter(
        id=own,
        letter=letter,
        recipient_tag="tag",
        registration_id=None,
        receipt_tells=True,
        renewal_of=None if renewal == 0 else FIRST,
        renewal=renewal,
    )


def test_every_renewal_belongs_to_the_first_letter_of_its_request_and_the_last_has_none() -> None:
    letter = LetterName.VERIFY_ADDRESS
    assert requested(letter).next == Renewal(of=FIRST, number=1)
    assert requested(letter, renewal=1).next == Renewal(of=FIRST, number=2)
    assert requested(letter, renewal=MAX_RENEWALS).next is None


def test_what_is_sent_to_everybody_is_not_renewed() -> None:
    assert requested(LetterName.TERMS_CHANGED).next is None

"""Which letters are renewed, how often, and while what they say would still be so."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from auth_service.domain.account import Account
from auth_service.domain.renewal import MAX_RENEWALS, Renewal, RequestedLetter, still_makes_sense
from mail_contract.letters import LetterName

FIRST = uuid4()


def requested(letter: LetterName, *, renewal: int = 0) -> RequestedLetter:
    own = FIRST if renewal == 0 else uuid4()
    return RequestedLetter(
        id=own,
        letter=letter,
        recipient_tag="tag",
        account_id=None,
        renewal_of=None if renewal == 0 else FIRST,
        renewal=renewal,
    )


def account(*, verified: bool) -> Account:
    return Account(
        id=UUID(int=1),
        email="linh@example.com",
        canonical_email="linh@example.com",
        locale="en",
        generation=1,
        verified_at=datetime(2026, 1, 5, tzinfo=UTC) if verified else None,
    )


def test_every_renewal_belongs_to_the_first_letter_of_its_request_and_the_last_has_none() -> None:
    letter = LetterName.VERIFY_ADDRESS
    assert requested(letter).next == Renewal(of=FIRST, number=1)
    assert requested(letter, renewal=1).next == Renewal(of=FIRST, number=2)
    assert requested(letter, renewal=MAX_RENEWALS).next is None


def test_what_is_sent_to_everybody_is_not_renewed() -> None:
    assert requested(LetterName.TERMS_CHANGED).next is None


@pytest.mark.parametrize(
    ("letter", "unverified", "verified", "nobody"),
    [
        (LetterName.VERIFY_ADDRESS, True, False, True),
        (LetterName.ACCOUNT_EXISTS, False, True, False),
        (LetterName.TERMS_CHANGED, False, False, False),
    ],
)
def test_a_letter_makes_sense_while_it_is_true(
    letter: LetterName, unverified: bool, verified: bool, nobody: bool
) -> None:
    assert still_makes_sense(letter, account(verified=False)) is unverified
    assert still_makes_sense(letter, account(verified=True)) is verified
    assert still_makes_sense(letter, None) is nobody

"""What a redrive does with a dead letter, for every place a letter can stand in the ledger."""

from datetime import UTC, datetime

import pytest

from mail_contract.messages import Envelope, ReportedState
from mail_contract.topology import CANCELLATION_ROUTE, letter_route
from mailer_service.cli.dead_actions import action_text
from mailer_service.db.tables import LetterState
from mailer_service.deadletters.decision import Keep, SendAgain, TellAuth, action_for, as_if_revived
from mailer_service.deadletters.info import DeadCancellation, DeadEnvelope, Unfit
from mailer_service.delivery.dead_ledger import DeadLetterStatus
from support.outgoing import header

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = DeadEnvelope(
    envelope=Envelope(header=header(), sealing_key_id="a", signing_key_id="b", sealed="c", signature="d"),
    digest=b"",
)
AGAIN = SendAgain(route=letter_route(LETTER.envelope.header.letter_class))


def status(state: LetterState, **changes: bool) -> DeadLetterStatus:
    usual = {"ours": True, "in_hand": False, "withdrawn": False, "late": False, "early": False}
    return DeadLetterStatus(state=state, attempts=2, at=AT, **{**usual, **changes})


@pytest.mark.parametrize("state", LetterState)
def test_a_letter_is_sent_again_only_where_no_end_is_known_of_it(state: LetterState) -> None:
    action = action_for(LETTER, status(state))
    sent = {LetterState.WAITING, LetterState.CLAIMED, LetterState.TRANSMITTING}
    assert (action == AGAIN) == (state in sent)


@pytest.mark.parametrize(
    ("state", "reported"),
    [
        (LetterState.ACCEPTED, ReportedState.SENT),
        (LetterState.DISCARDED, ReportedState.SENT),
        (LetterState.EXPIRED, ReportedState.EXPIRED),
        (LetterState.CANCELLED, ReportedState.SUPERSEDED),
    ],
)
def test_an_end_is_told_again_under_the_same_id(state: LetterState, reported: ReportedState) -> None:
    action, again = action_for(LETTER, status(state)), action_for(LETTER, status(state))
    assert isinstance(action, TellAuth)
    assert action.report.state is reported
    assert action == again


@pytest.mark.parametrize("state", [LetterState.CLAIMED, LetterState.TRANSMITTING])
def test_what_a_living_replica_has_in_hand_stays(state: LetterState) -> None:
    assert action_for(LETTER, status(state, in_hand=True)) == Keep(reason="in_hand")


@pytest.mark.parametrize("state", LetterState)
def test_another_envelope_under_a_known_id_stays_whatever_became_of_the_letter(state: LetterState) -> None:
    assert action_for(LETTER, status(state, ours=False)) == Keep(reason="replayed_id")


def test_what_the_ledger_does_not_know_is_judged_by_the_mailer() -> None:
    assert action_for(LETTER, None) == AGAIN


def test_a_cancellation_goes_back_and_what_is_no_letter_stays() -> None:
    assert action_for(DeadCancellation(), None) == SendAgain(route=CANCELLATION_ROUTE)
    assert action_for(Unfit(reason="malformed"), None) == Keep(reason="malformed")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, LetterState.WAITING),
        ({"late": True}, LetterState.EXPIRED),
        ({"withdrawn": True}, LetterState.CANCELLED),
        ({"withdrawn": True, "late": True}, LetterState.CANCELLED),
        ({"ours": False}, LetterState.DEAD),
    ],
)
def test_a_dry_run_foresees_what_the_ledger_would_do(changes: dict[str, bool], state: LetterState) -> None:
    assert as_if_revived(status(LetterState.DEAD, **changes)).state is state


def test_an_unconfirmed_letter_stays_unless_a_copy_is_accepted() -> None:
    doubtful = status(LetterState.UNCONFIRMED)
    assert action_for(LETTER, doubtful) == Keep(reason="unconfirmed")
    assert action_for(LETTER, as_if_revived(doubtful, copies=False)) == Keep(reason="unconfirmed")
    assert action_for(LETTER, as_if_revived(doubtful, copies=True)) == AGAIN


def test_a_reason_nobody_foresaw_is_shown_safely() -> None:
    assert action_text(Keep(reason="\x1b[2J")) == "not possible: \\x1b[2J"

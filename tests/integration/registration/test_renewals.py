"""② A letter that expired unsent is replaced by a fresh one while its request makes sense, at most twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from auth_service.db.reports import Recorded
from auth_service.db.transactions import Transactions
from auth_service.flows.renew_letters import RenewLetters
from auth_service.outbox.claim import claim
from auth_service.outbox.settle import settle_expired
from mail_contract.letters import LetterName
from mail_contract.messages import ReportedState
from service_runtime.database.engine import build_engine, build_sessions
from support.auth_api import AuthApi
from support.outbox import report

LINH = "linh@example.com"


@pytest.fixture
def sessions(api: AuthApi) -> sessionmaker[Session]:
    return build_sessions(build_engine(api.database_url, application="test"))


@pytest.fixture
def renewals(api: AuthApi, sessions: sessionmaker[Session]) -> RenewLetters:
    return RenewLetters(transactions=Transactions(sessions), letters=api.sign_up_letters)


def last_id(api: AuthApi) -> UUID:
    return api.last_letter().envelope.header.id


def story(api: AuthApi, receipt: str) -> list[str]:
    body = api.get(f"/v1/receipts/{receipt}").get_json()
    states = [step["state"] for step in body["timeline"]]
    assert states[-1] == body["state"]
    return states


def expire(api: AuthApi, renewals: RenewLetters) -> None:
    """The mailer says that the newest letter expired."""
    renewals.take(report(last_id(api), ReportedState.EXPIRED))


def expire_in_outbox(api: AuthApi, sessions: sessionmaker[Session]) -> None:
    """The relay finds everything in the outbox expired."""
    api.sql("UPDATE letters SET created_at = now() - interval '2 days', expires_at = now()")
    token = uuid4()
    with sessions.begin() as session:
        rows = claim(session, token=token, limit=100, lease=timedelta(minutes=1))
        settle_expired(session, token=token, ids=[row.id for row in rows if row.expired])


def test_an_expired_letter_is_replaced_and_the_fresh_link_works(api: AuthApi, renewals: RenewLetters) -> None:
    registered = api.register(LINH, locale="vi")
    old = api.last_letter()
    expire(api, renewals)
    fresh = api.last_letter()

    assert fresh.envelope.header.id != old.envelope.header.id
    assert (fresh.contents.recipient, fresh.envelope.header.locale) == (LINH, "vi")
    assert fresh.code != old.code
    assert story(api, registered.receipt) == ["accepted", "expired", "accepted"]
    proof = {"token": fresh.link_token, "registration_secret": registered.secret}
    assert api.post("/v1/verifications", proof).status_code == 200


def test_a_repeated_word_of_its_end_renews_a_letter_once(api: AuthApi, renewals: RenewLetters) -> None:
    api.register(LINH)
    letter = last_id(api)
    same = report(letter, ReportedState.EXPIRED)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(renewals.take, [same] * 8 + [report(letter, ReportedState.EXPIRED)]))

    assert said.count(Recorded.MOVED) == 1
    assert len(api.letters()) == 2


def test_a_request_gets_two_fresh_letters_and_no_more(api: AuthApi, renewals: RenewLetters) -> None:
    registered = api.register(LINH)
    for _ in range(4):
        expire(api, renewals)

    assert len(api.letters()) == 3
    assert story(api, registered.receipt) == ["accepted", "expired"] * 3
    again = api.resend(registered.secret)
    expire(api, renewals)
    assert story(api, again) == ["accepted", "expired", "accepted"], "asking again is a new request"


def test_nothing_is_renewed_once_a_newer_letter_was_asked_for(api: AuthApi, renewals: RenewLetters) -> None:
    registered = api.register(LINH)
    old = last_id(api)
    api.resend(registered.secret)
    renewals.take(report(old, ReportedState.EXPIRED))

    assert len(api.letters()) == 2
    assert story(api, registered.receipt) == ["accepted", "expired"]


def test_nothing_is_renewed_once_its_registration_is_confirmed(api: AuthApi, renewals: RenewLetters) -> None:
    api.verify(LINH)
    expire(api, renewals)
    assert len(api.letters()) == 1


def test_nothing_is_renewed_for_a_refused_registration_or_one_that_is_forgotten(
    api: AuthApi, renewals: RenewLetters
) -> None:
    refused = api.register(LINH).receipt
    assert api.post("/v1/refusals", {"token": api.last_letter().refusal_token}).status_code == 204
    expire(api, renewals)
    api.register("ann@example.com")
    api.sql("DELETE FROM registrations")
    expire(api, renewals)
    assert len(api.letters()) == 2
    assert story(api, refused) == ["accepted", "expired"]


def test_a_notice_to_an_owner_is_renewed_as_that(api: AuthApi, renewals: RenewLetters) -> None:
    api.verify(LINH)
    receipt = api.register(LINH, "a stranger's password").receipt
    expire(api, renewals)

    assert api.last_letter().envelope.header.letter is LetterName.ACCOUNT_EXISTS
    assert story(api, receipt) == ["accepted", "expired", "accepted"]
    api.sql("DELETE FROM accounts")
    expire(api, renewals)
    assert story(api, receipt) == ["accepted", "expired", "accepted", "expired"], "nobody is left to tell"


def test_a_strangers_receipt_goes_on_alike_whether_she_has_confirmed_meanwhile_or_not(
    api: AuthApi, renewals: RenewLetters
) -> None:
    told = []
    for address in ("ann@example.com", LINH):
        receipt = api.register(address, "a stranger's password").receipt
        strangers = last_id(api)
        if address == LINH:
            api.verify(LINH)
        renewals.take(report(strangers, ReportedState.EXPIRED))
        told.append(story(api, receipt))
    assert told == [["accepted", "expired", "accepted"]] * 2
    assert api.last_letter().envelope.header.letter is LetterName.ACCOUNT_EXISTS


def test_a_renewal_to_a_mailbox_that_refused_is_written_down_and_not_sent(
    api: AuthApi, renewals: RenewLetters
) -> None:
    receipt = api.register(LINH, "one stranger's password").receipt
    first = last_id(api)
    api.register(LINH, "another stranger's password")
    api.post("/v1/refusals", {"token": api.last_letter().refusal_token})
    renewals.take(report(first, ReportedState.EXPIRED))
    assert story(api, receipt) == ["accepted", "expired", "limited"]


def test_a_decoy_is_not_renewed_for_its_receipt_tells_nothing(api: AuthApi, renewals: RenewLetters) -> None:
    receipt = api.resend_to("nobody@example.com")
    expire(api, renewals)
    assert len(api.letters()) == 1
    assert story(api, receipt) == ["accepted"]


def test_a_letter_asked_for_by_address_is_renewed_and_its_receipt_tells_nothing_still(
    api: AuthApi, renewals: RenewLetters
) -> None:
    api.register(LINH)
    receipt = api.resend_to(LINH)
    expire(api, renewals)
    assert len(api.letters()) == 3
    assert story(api, receipt) == ["accepted"]


def test_a_letter_the_relay_found_expired_is_renewed_once(
    api: AuthApi, renewals: RenewLetters, sessions: sessionmaker[Session]
) -> None:
    receipt = api.register(LINH).receipt
    api.resend_to("nobody@example.com")
    expire_in_outbox(api, sessions)
    assert api.letters() == []

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: renewals.renew_due(limit=10), range(4)))

    assert [letter.contents.decoy for letter in api.letters()] == [False]
    assert story(api, receipt) == ["accepted", "expired", "accepted"]
    assert renewals.renew_due(limit=10) == 0


def test_a_letter_asked_for_again_before_its_renewal_is_not_renewed(
    api: AuthApi, renewals: RenewLetters, sessions: sessionmaker[Session]
) -> None:
    registered = api.register(LINH)
    expire_in_outbox(api, sessions)
    api.resend(registered.secret)

    assert renewals.renew_due(limit=10) == 0
    assert len(api.letters()) == 1


def test_a_withdrawn_letter_that_never_left_is_superseded_not_expired(
    api: AuthApi, renewals: RenewLetters, sessions: sessionmaker[Session]
) -> None:
    registered = api.register(LINH)
    first, second = registered.receipt, api.resend(registered.secret)
    expire_in_outbox(api, sessions)
    renewals.renew_due(limit=10)

    assert story(api, first) == ["accepted", "superseded"]
    assert story(api, second) == ["accepted", "expired", "accepted"]


def test_renewals_and_people_asking_again_at_once_wait_for_each_other(
    api: AuthApi, renewals: RenewLetters
) -> None:
    registered = api.register(LINH)
    for _ in range(5):
        expired = report(last_id(api), ReportedState.EXPIRED)
        with ThreadPoolExecutor(1) as pool:
            renewal = pool.submit(renewals.take, expired)
            answers = api.at_once(
                [("/v1/registrations/resend", {"registration_secret": registered.secret})] * 3
            )
            renewal.result()
        assert {answer.status_code for answer in answers} == {202}
        unwithdrawn = "SELECT count(*) FROM letters WHERE withdrawn_at IS NULL AND state = 'accepted'"
        assert api.sql(unwithdrawn) == [(1,)]
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL") == [(1,)]

"""② A letter that expired unsent is replaced by a fresh one while its request makes sense, at most twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from auth_service.flows.renew_letters import RenewLetters
from auth_service.inbox.record import Recorded
from auth_service.outbox.claim import claim
from auth_service.outbox.settle import settle_expired
from auth_service.store.engine import build_engine, build_sessions
from auth_service.store.transactions import Transactions
from mail_contract.letters import LetterName
from mail_contract.messages import ReportedState
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


def test_an_expired_letter_is_replaced_and_only_the_fresh_link_works(
    api: AuthApi, renewals: RenewLetters
) -> None:
    receipt = api.register(LINH, locale="vi")
    old = api.last_letter()
    expire(api, renewals)
    fresh = api.last_letter()

    assert fresh.envelope.header.id != old.envelope.header.id
    assert (fresh.contents.recipient, fresh.envelope.header.locale) == (LINH, "vi")
    assert fresh.code != old.code
    assert story(api, receipt) == ["accepted", "expired", "accepted"]
    assert api.post("/v1/verifications", {"token": old.link_token}).get_json()["code"] == "replaced_link"
    assert api.post("/v1/verifications", {"token": fresh.link_token}).status_code == 200


def test_a_repeated_word_of_its_end_renews_a_letter_once(api: AuthApi, renewals: RenewLetters) -> None:
    api.register(LINH)
    letter = last_id(api)
    same = report(letter, ReportedState.EXPIRED)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(renewals.take, [same] * 8 + [report(letter, ReportedState.EXPIRED)]))

    assert said.count(Recorded.MOVED) == 1
    assert len(api.letters()) == 2


def test_a_request_gets_two_fresh_letters_and_no_more(api: AuthApi, renewals: RenewLetters) -> None:
    receipt = api.register(LINH)
    for _ in range(4):
        expire(api, renewals)

    assert len(api.letters()) == 3
    assert story(api, receipt) == ["accepted", "expired"] * 3
    again = api.resend(LINH)
    expire(api, renewals)
    assert story(api, again) == ["accepted", "expired", "accepted"], "asking again is a new request"


def test_nothing_is_renewed_once_a_newer_letter_was_asked_for(api: AuthApi, renewals: RenewLetters) -> None:
    receipt = api.register(LINH)
    old = last_id(api)
    api.resend(LINH)
    renewals.take(report(old, ReportedState.EXPIRED))

    assert len(api.letters()) == 2
    assert story(api, receipt) == ["accepted", "expired"]


def test_nothing_is_renewed_once_the_address_is_verified(api: AuthApi, renewals: RenewLetters) -> None:
    api.verify(LINH)
    expire(api, renewals)
    assert len(api.letters()) == 1


def test_a_notice_to_an_owner_is_renewed_as_that(api: AuthApi, renewals: RenewLetters) -> None:
    api.verify(LINH)
    receipt = api.register(LINH)
    expire(api, renewals)

    assert api.last_letter().envelope.header.letter is LetterName.ACCOUNT_EXISTS
    assert story(api, receipt) == ["accepted", "expired", "accepted"]
    api.sql("DELETE FROM accounts")
    expire(api, renewals)
    assert story(api, receipt) == ["accepted", "expired", "accepted", "expired"], "nobody is left to tell"


def test_a_decoys_receipt_tells_what_a_letters_receipt_tells(api: AuthApi, renewals: RenewLetters) -> None:
    api.register(LINH)
    told = []
    for address in (LINH, "nobody@example.com"):
        receipt = api.resend(address)
        for _ in range(3):
            expire(api, renewals)
        told.append(api.get(f"/v1/receipts/{receipt}"))
    decoy = api.last_letter()

    letter_told, decoy_told = told
    assert [s["state"] for s in letter_told.get_json()["timeline"]] == ["accepted", "expired"] * 3
    assert len(letter_told.data) == len(decoy_told.data)
    assert decoy.contents.decoy
    assert len(decoy.envelope.sealed) == len(api.letters()[-4].envelope.sealed)
    assert api.post("/v1/verifications", {"token": decoy.link_token}).status_code == 400
    assert api.count("accounts") == 1


def test_a_letter_the_relay_found_expired_is_renewed_once(
    api: AuthApi, renewals: RenewLetters, sessions: sessionmaker[Session]
) -> None:
    receipts = [api.register(LINH), api.resend("nobody@example.com")]
    expire_in_outbox(api, sessions)
    assert api.letters() == []

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: renewals.renew_due(limit=10), range(4)))

    assert [letter.contents.decoy for letter in api.letters()] in ([False, True], [True, False])
    assert [story(api, receipt) for receipt in receipts] == [["accepted", "expired", "accepted"]] * 2
    assert renewals.renew_due(limit=10) == 0


def test_a_letter_asked_for_again_before_its_renewal_is_not_renewed(
    api: AuthApi, renewals: RenewLetters, sessions: sessionmaker[Session]
) -> None:
    api.register(LINH)
    expire_in_outbox(api, sessions)
    api.resend(LINH)

    assert renewals.renew_due(limit=10) == 0
    assert len(api.letters()) == 1


def test_a_withdrawn_letter_that_never_left_is_superseded_not_expired(
    api: AuthApi, renewals: RenewLetters, sessions: sessionmaker[Session]
) -> None:
    first, second = api.register(LINH), api.resend(LINH)
    expire_in_outbox(api, sessions)
    renewals.renew_due(limit=10)

    assert story(api, first) == ["accepted", "superseded"]
    assert story(api, second) == ["accepted", "expired", "accepted"]


def test_renewals_and_people_asking_again_at_once_wait_for_each_other(
    api: AuthApi, renewals: RenewLetters
) -> None:
    api.register(LINH)
    for _ in range(5):
        expired = report(last_id(api), ReportedState.EXPIRED)
        with ThreadPoolExecutor(1) as pool:
            renewal = pool.submit(renewals.take, expired)
            answers = api.at_once([("/v1/registrations/resend", {"email": LINH})] * 3)
            renewal.result()
        assert {answer.status_code for answer in answers} == {202}
        unwithdrawn = "SELECT count(*) FROM letters WHERE withdrawn_at IS NULL AND state = 'accepted'"
        assert api.sql(unwithdrawn) == [(1,)]
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL") == [(1,)]

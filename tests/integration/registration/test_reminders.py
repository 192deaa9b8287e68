"""② Whoever did not confirm their address within a day is reminded once, if that is of use to them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from auth_service.db.transactions import Transactions
from auth_service.domain.campaign import Suspicion
from auth_service.domain.limit import parse_limit
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.limits import MailboxLimit, Unobserved
from auth_service.flows.remind_registrations import RemindRegistrations
from auth_service.security.secrets import KeyedHash
from mail_contract.letters import LetterName
from service_runtime.database.engine import build_engine, build_sessions
from support.auth_api import HASH_KEY, AuthApi

LINH = "linh@example.com"


@pytest.fixture
def reminders(api: AuthApi) -> RemindRegistrations:
    return reminding(api)


def reminding(
    api: AuthApi, *, mailbox: str = "1/minute", campaign: Suspicion | None = None
) -> RemindRegistrations:
    """As the worker does it, in a process of its own."""
    sessions = build_sessions(build_engine(api.database_url, application="test"))
    keyed_hash = KeyedHash(HASH_KEY)
    return RemindRegistrations(
        transactions=Transactions(sessions),
        letters=api.sign_up_letters,
        requests=MailboxLimit(limit=parse_limit(mailbox), keyed_hash=keyed_hash, observer=Unobserved()),
        watch=CampaignWatch(suspicion=campaign, keyed_hash=keyed_hash),
    )


def a_day_goes_by(api: AuthApi, *, state: str = "sent", hours: int = 25) -> None:
    """Every letter so far ended like that, and that was yesterday."""
    api.sql("UPDATE letters SET state = %s WHERE state = 'accepted'", state)
    api.sql("DELETE FROM outbox")
    for table, columns in (
        ("letters", ("created_at", "expires_at")),
        ("one_time_tokens", ("created_at", "expires_at")),
        ("registrations", ("created_at",)),
    ):
        changes = ", ".join(f"{column} = {column} - interval '{hours} hours'" for column in columns)
        api.sql(f"UPDATE {table} SET {changes}")


def reminded(api: AuthApi) -> list[str]:
    """To whom a reminder is on its way."""
    return [
        letter.contents.recipient
        for letter in api.letters()
        if letter.envelope.header.letter is LetterName.REGISTRATION_REMINDER
    ]


def test_the_reminder_comes_once_in_their_language_with_a_link_and_code_that_confirm(
    api: AuthApi, reminders: RemindRegistrations
) -> None:
    registered = api.register("Linh@example.com", locale="vi")
    reminders.remind_due(limit=10)
    assert reminded(api) == [], "it is not a day old"
    a_day_goes_by(api)

    assert reminders.remind_due(limit=10) == 1
    assert reminders.remind_due(limit=10) == 0
    assert reminded(api) == ["Linh@example.com"]
    letter = api.last_letter()
    assert letter.envelope.header.locale == "vi"
    assert letter.refusal_token
    body = {"email": LINH, "code": letter.code, "registration_secret": registered.secret}
    assert api.post("/v1/verifications", body).status_code == 200


def test_two_beats_at_once_write_one_reminder_each(api: AuthApi, reminders: RemindRegistrations) -> None:
    people = [f"p{n}@example.com" for n in range(8)]
    for person in people:
        api.register(person)
    a_day_goes_by(api)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: reminders.remind_due(limit=100), range(4)))
    assert sorted(reminded(api)) == people


def test_a_registration_that_ended_gets_none(api: AuthApi, reminders: RemindRegistrations) -> None:
    api.verify("verified@example.com")
    api.register("refused@example.com")
    assert api.post("/v1/refusals", {"token": api.last_letter().refusal_token}).status_code == 204
    a_day_goes_by(api)
    assert reminders.remind_due(limit=10) == 0
    assert reminded(api) == []


@pytest.mark.parametrize("state", ["failed", "suppressed", "limited", "expired"])
def test_a_mailbox_that_did_not_get_the_letter_gets_none(
    api: AuthApi, reminders: RemindRegistrations, state: str
) -> None:
    api.register(LINH)
    a_day_goes_by(api, state=state)
    assert reminders.remind_due(limit=10) == 1
    assert reminded(api) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registrations SET held_for = 'few_confirmed'",
        "INSERT INTO refused_mailboxes SELECT DISTINCT recipient_tag, now(), now() + interval '1 day' FROM registrations",
        "UPDATE registrations SET created_at = created_at - interval '6 days'",
    ],
    ids=["held", "refused", "too old"],
)
def test_none_comes_where_it_is_not_wanted(
    api: AuthApi, reminders: RemindRegistrations, statement: str
) -> None:
    api.register(LINH)
    a_day_goes_by(api)
    api.sql(statement)
    assert reminders.remind_due(limit=10) == 1
    assert reminded(api) == []


def test_of_several_registrations_of_a_mailbox_one_is_reminded_of_and_once_a_week(
    api: AuthApi, reminders: RemindRegistrations
) -> None:
    api.register(LINH, password="a stranger's long guess at it")
    api.register(LINH)
    a_day_goes_by(api)
    assert reminders.remind_due(limit=10) == 2
    assert reminded(api) == [LINH]
    api.register(LINH, password="another stranger's long guess")
    a_day_goes_by(api)
    assert reminders.remind_due(limit=10) == 1
    assert reminded(api) == []


def test_a_reminder_counts_for_its_mailbox_and_none_goes_over_the_limit(api: AuthApi) -> None:
    """Two registrations of look-alikes of one mailbox."""
    for person in ("linh+one@example.com", "linh+two@example.com"):
        api.register(person)
    a_day_goes_by(api)
    assert reminding(api, mailbox="1/day").remind_due(limit=10) == 2
    assert reminded(api) == ["linh+one@example.com"]


def test_in_a_campaign_only_who_proved_some_work_is_reminded(api: AuthApi) -> None:
    for person in ("proved@example.com", "not-proved@example.com"):
        api.register(person)
    a_day_goes_by(api)
    api.sql("UPDATE registrations SET proved = true WHERE email = 'proved@example.com'")
    campaign = Suspicion(registered=1, period=timedelta(days=7), percent=50)
    assert reminding(api, campaign=campaign).remind_due(limit=10) == 2
    assert reminded(api) == ["proved@example.com"]


def test_one_that_fails_stops_none_behind_it_and_is_not_tried_again(
    api: AuthApi, reminders: RemindRegistrations
) -> None:
    for person in ("first@example.com", "second@example.com"):
        api.register(person)
    a_day_goes_by(api)
    api.sql("UPDATE registrations SET locale = 'no language at all' WHERE email = 'first@example.com'")
    assert reminders.remind_due(limit=10) == 2
    assert reminded(api) == ["second@example.com"]
    assert reminders.remind_due(limit=10) == 0

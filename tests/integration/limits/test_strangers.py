"""Many distinct strangers from many places: first they have to work, and if that does not help, their letters are held."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from auth_service.db.transactions import Transactions
from auth_service.flows.campaign_watch import LOOK_SECONDS, CampaignWatch
from auth_service.flows.proof_of_work import MAX_TRIES
from auth_service.security.secrets import KeyedHash
from service_runtime.database.engine import build_engine, build_sessions
from support.altcha_client import solve
from support.auth_api import HASH_KEY, AuthApi
from support.database import Database
from support.eventually import eventually
from support.limited_api import post_from, registration

MakeApi = Callable[..., AuthApi]
PATH = "/v1/registrations"


def ask(api: AuthApi, number: int, **more: str) -> TestResponse:
    """A stranger nobody has heard of, from a place of their own."""
    return post_from(f"203.0.113.{number}", api, PATH, registration(**more))


def challenge(api: AuthApi) -> dict[str, Any]:
    answer = ask(api, 200)
    assert answer.status_code == 428, answer.text
    return dict(answer.get_json())


def past(api: AuthApi, *, confirmed: int = 0, others: int = 0, proved: bool = False) -> None:
    """So many registrations of half an hour ago."""
    for number in range(confirmed + others):
        api.register(f"past-{number}@example.com")
    api.sql("DELETE FROM outbox")
    api.sql("UPDATE registrations SET created_at = now() - interval '30 minutes', proved = %s", proved)
    api.sql(
        "UPDATE registrations SET ended_at = now(), ended_for = 'confirmed', confirmed_with = 'password'"
        " WHERE id IN (SELECT id FROM registrations LIMIT %s)",
        confirmed,
    )


def held(api: AuthApi) -> list[tuple[Any, ...]]:
    return api.sql("SELECT held_for FROM outbox WHERE held_until IS NOT NULL")


def test_above_the_bound_of_all_a_registration_needs_a_proof_whoever_asks(make_api: MakeApi) -> None:
    api = make_api(limit_all="3/minute")
    assert [ask(api, number).status_code for number in range(5)] == [202, 202, 202, 428, 428]
    problem = challenge(api)
    assert problem["code"] == "proof_required"
    left = datetime.fromisoformat(problem["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    assert ask(api, 6, proof=solve(problem)).status_code == 202
    assert api.count("registrations") == 4
    assert held(api) == []


def test_a_proof_works_once_whichever_process_takes_it_and_whatever_is_registered(make_api: MakeApi) -> None:
    one, other = make_api(limit_all="1/day"), make_api(limit_all="1/day")
    assert ask(one, 1).status_code == 202
    proof = solve(challenge(one))
    answers = [ask(api, 2, proof=proof).status_code for api in (other, one, other)]
    assert answers == [202, 428, 428]
    proofs = [solve(challenge(one)) for _ in range(2)]
    body = [registration(proof=proof) for proof in proofs for _ in range(10)]
    burst = one.at_once([(PATH, each) for each in body])
    assert sorted(answer.status_code for answer in burst) == [202] * 2 + [428] * 18


def test_proofs_that_are_late_for_another_challenge_or_no_proofs_at_all_get_another_challenge(
    make_api: MakeApi,
) -> None:
    api = make_api(limit_all="1/day")
    ask(api, 1)
    first, second = challenge(api), challenge(api)
    mixed = solve({"challenge": {**first["challenge"], "signature": second["challenge"]["signature"]}})
    late = {
        **first["challenge"],
        "parameters": {**first["challenge"]["parameters"], "expiresAt": 1_700_000_000},
    }
    for proof in (mixed, solve({"challenge": late}), "", "AAAA", "x" * 5000, "%"):
        answer = ask(api, 2, proof=proof)
        assert answer.status_code == 428
        assert answer.get_json()["challenge"]["signature"] != first["challenge"]["signature"]
    assert api.count("registrations") == 1


def test_a_proof_is_counted_for_its_source_once_when_its_challenge_was_given(make_api: MakeApi) -> None:
    api = make_api(limit_all="1/day", limit_source="2/hour")
    ask(api, 1)
    proofs = [solve(ask(api, 2).get_json()) for _ in range(2)]
    assert ask(api, 2).status_code == 429
    assert [ask(api, 2, proof=proof).status_code for proof in proofs] == [202, 202]
    assert ask(api, 2, proof=proofs[0]).status_code == 429


def test_whoever_is_refused_for_the_password_still_has_the_proof_for_a_few_tries(make_api: MakeApi) -> None:
    api = make_api(limit_all="1/day")
    ask(api, 1)
    first, second = solve(challenge(api)), solve(challenge(api))
    assert ask(api, 2, proof=first, password="passwordpassword").status_code == 422
    assert ask(api, 2, proof=first).status_code == 202
    for _ in range(MAX_TRIES):
        assert ask(api, 2, proof=second, password="passwordpassword").status_code == 422
    assert ask(api, 2, proof=second).status_code == 428


def test_whoever_is_told_to_come_back_still_has_the_proof(make_api: MakeApi) -> None:
    api = make_api(limit_all="1/day", hash_limit=1, hash_wait_seconds=0.2)
    ask(api, 1)
    bodies = [registration(proof=solve(challenge(api))) for _ in range(12)]
    answers = api.at_once([(PATH, body) for body in bodies])
    codes = {answer.status_code for answer in answers}
    assert 503 in codes
    assert codes <= {202, 503}
    refused = [body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 503]
    for body in refused:
        eventually(lambda body=body: api.post(PATH, body).status_code == 202)  # type: ignore[misc]


def test_few_confirmed_registrations_ask_for_proofs_and_many_do_not(make_api: MakeApi) -> None:
    quiet = make_api()
    past(quiet, confirmed=1, others=9)
    assert ask(make_api(campaign="10/hour 11%"), 1).status_code == 428
    assert ask(make_api(campaign="10/hour 10%"), 1).status_code == 202
    assert ask(make_api(campaign="11/hour 11%"), 1).status_code == 202
    quiet.sql("UPDATE registrations SET created_at = now() - interval '4 minutes'")
    assert ask(make_api(campaign="10/hour 11%"), 1).status_code == 202


def test_above_the_bound_of_the_proved_letters_are_held_and_nobody_is_told(make_api: MakeApi) -> None:
    make_api().verify("known@example.com")
    api = make_api(limit_all="1/day", limit_proved="1/minute")
    ask(api, 1)
    api.sql("DELETE FROM outbox")
    sent, strange, known = (
        ask(api, 2, proof=solve(challenge(api)), **({"email": email} if email else {}))
        for email in ("", "stranger@example.com", "known@example.com")
    )
    assert held(api) == [("many_proved",)] * 2
    assert {answer.status_code for answer in (sent, strange, known)} == {202}
    assert len({len(answer.data) for answer in (sent, strange, known)}) == 1
    receipts = [api.receipt(answer.get_json()["receipt"]) for answer in (sent, strange, known)]
    assert {(receipt["state"], receipt["final"]) for receipt in receipts} == {("accepted", False)}
    # To ask again is no way around, and lets nothing go.
    api.resend(strange.get_json()["registration_secret"])
    api.resend_to("stranger@example.com")
    assert held(api) == [("many_proved",)] * 4


def test_few_confirmed_among_the_proved_hold_letters_until_held_ones_are_all_that_is_left(
    make_api: MakeApi,
) -> None:
    past(make_api(), others=10, proved=True)
    api = make_api(campaign="10/hour 10%")
    assert ask(api, 1, proof=solve(challenge(api))).status_code == 202
    assert held(api) == [("few_confirmed",)]
    # Letters that are held cannot be confirmed, and say nothing.
    api.sql("UPDATE registrations SET held_for = 'few_confirmed'")
    again = make_api(campaign="10/hour 10%")
    assert ask(again, 2, proof=solve(challenge(again))).status_code == 202
    assert len(held(again)) == 1


def test_alarms_are_raised_once_by_all_processes_together(
    make_api: MakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        api = make_api(limit_all="1/day", limit_proved="1/day")
        for number in range(3):
            ask(api, number)
        for _ in range(2):
            ask(api, 9, proof=solve(challenge(api)))
    logged = capsys.readouterr().out
    assert logged.count("proofs_required") == 1
    assert logged.count("letters_held") == 1


def test_an_alarm_that_lasts_asks_the_database_now_and_then_only(auth_database: Database) -> None:
    asked: list[str] = []
    engine = build_engine(auth_database.url, application="test").execution_options(
        isolation_level="AUTOCOMMIT"
    )
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    transactions, now = Transactions(build_sessions(engine)), [0.0]
    watch = CampaignWatch(suspicion=None, keyed_hash=KeyedHash(HASH_KEY), clock=lambda: now[0])
    for at in (0.0, 0.1, LOOK_SECONDS - 0.1, LOOK_SECONDS, LOOK_SECONDS + 0.1):
        now[0] = at
        for name in ("proofs_required", "letters_held"):
            with transactions.begin() as session:
                watch.alarm(session, name)
    counted = [statement for statement in asked if "INSERT INTO limits" in statement]
    assert len(counted) == 4
    assert all("synchronous_commit" in statement for statement in counted)


def test_metrics_say_what_was_asked_admitted_and_held(make_api: MakeApi) -> None:
    api = make_api(limit_all="1/day", limit_proved="1/day", limit_source="5/hour")
    for _ in range(2):
        ask(api, 1)
    for proof in (solve(challenge(api)), solve(challenge(api)), "x"):
        ask(api, 1, proof=proof)
    metrics = api.get_ops("/metrics").text
    for line in (
        'auth_limit_decisions_total{admitted="yes",limit="all"} 1.0',
        'auth_limit_decisions_total{admitted="no",limit="all"} 4.0',
        'auth_limit_decisions_total{admitted="no",limit="proved"} 1.0',
        'auth_proofs_total{outcome="asked"} 4.0',
        'auth_proofs_total{outcome="accepted"} 2.0',
        'auth_proofs_total{outcome="refused"} 1.0',
        "auth_held_letters 1.0",
        'auth_held_letters_ended_total{ended="dropped"} 0.0',
    ):
        assert line in metrics, (line, metrics)

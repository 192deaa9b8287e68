"""② Following a request by its receipt: what it tells, to whom, and what it keeps."""

import pytest

from support.auth_api import AuthApi

LINH = "linh@example.com"


def report(api: AuthApi, receipt: str, state: str, detail: str | None = None) -> None:
    letter_id = api.letter_id(receipt)
    api.sql("UPDATE letters SET state = %s WHERE id = %s", state, letter_id)
    api.sql(
        "INSERT INTO letter_events (letter_id, state, detail) VALUES (%s, %s, %s)", letter_id, state, detail
    )


def states(api: AuthApi, receipt: str) -> list[str]:
    return [step["state"] for step in api.receipt(receipt)["timeline"]]


def test_the_receipt_of_a_registration_tells_state_and_timeline(api: AuthApi) -> None:
    receipt = api.register(LINH).receipt
    report(api, receipt, "queued")
    report(api, receipt, "failed", "5.1.1")
    answer = api.get(f"/v1/receipts/{receipt}")
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["state"], body["final"]) == ("failed", True)
    assert "poll_after" not in body
    assert [step["state"] for step in body["timeline"]] == ["accepted", "queued", "failed"]
    assert [step.get("detail") for step in body["timeline"]] == [None, None, "5.1.1"]
    assert all(step["at"].endswith("Z") and "." not in step["at"] for step in body["timeline"])
    assert "linh" not in answer.text


@pytest.mark.parametrize("state", ["accepted", "queued", "deferred", "sent", "unconfirmed"])
def test_while_something_may_follow_a_receipt_says_when_to_ask_again(api: AuthApi, state: str) -> None:
    receipt = api.register(LINH).receipt
    report(api, receipt, state)
    body = api.receipt(receipt)
    assert body["final"] is False
    assert body["poll_after"] == 1
    api.sql("UPDATE letter_events SET at = at - interval '1 hour'")
    assert api.receipt(receipt)["poll_after"] == 60


def test_a_sent_letter_is_the_last_word_once_its_link_is_too_old(api: AuthApi) -> None:
    receipt = api.register(LINH).receipt
    report(api, receipt, "sent")
    api.sql("UPDATE letters SET created_at = now() - interval '25 h', expires_at = now() - interval '1 h'")
    assert api.receipt(receipt)["final"] is True


def test_only_the_receipts_of_the_very_registration_that_was_confirmed_say_so(api: AuthApi) -> None:
    before = api.register(LINH, "a stranger's password")
    resent_before = api.resend(before.secret)
    by_address = api.resend_to(LINH)
    hers = api.register(LINH)
    letter = api.last_letter()
    after = api.register(LINH, "another stranger's password")
    others = {receipt: api.receipt(receipt) for receipt in (before.receipt, resent_before, after.receipt)}
    proof = {"token": letter.link_token, "registration_secret": hers.secret}
    assert api.post("/v1/verifications", proof).status_code == 200
    late = api.register(LINH, "a late stranger's password")

    body = api.receipt(hers.receipt)
    assert (body["state"], body["final"]) == ("confirmed", True)
    assert states(api, hers.receipt) == ["accepted", "confirmed"]
    assert {receipt: api.receipt(receipt) for receipt in others} == others
    assert states(api, late.receipt) == ["accepted"]
    assert states(api, by_address) == ["accepted"]
    assert states(api, api.resend(before.secret)) == ["accepted"]


def test_a_registration_confirmed_by_its_resent_letter_says_so_in_both_receipts(api: AuthApi) -> None:
    registered = api.register(LINH)
    report(api, registered.receipt, "sent")
    again = api.resend(registered.secret)
    proof = {"token": api.last_letter().link_token, "registration_secret": registered.secret}
    assert api.post("/v1/verifications", proof).status_code == 200
    assert [api.receipt(one)["state"] for one in (registered.receipt, again)] == ["confirmed"] * 2


@pytest.mark.parametrize("state", ["sent", "failed", "deferred", "limited", "superseded"])
def test_a_request_that_anybody_may_make_has_a_receipt_that_says_accepted_and_nothing_more(
    api: AuthApi, state: str
) -> None:
    api.register(LINH)
    told = []
    for email in (LINH, "nobody@example.com"):
        receipt = api.resend_to(email)
        report(api, receipt, state, "5.1.1")
        told.append(api.get(f"/v1/receipts/{receipt}"))
    for answer in told:
        body = answer.get_json()
        assert (body["state"], body["final"], len(body["timeline"])) == ("accepted", True, 1)
        assert body["timeline"][0].keys() == {"at", "state"}
    assert len(told[0].data) == len(told[1].data)


def test_a_purged_registrations_receipt_is_still_read(api: AuthApi) -> None:
    receipt = api.register(LINH).receipt
    report(api, receipt, "sent")
    api.sql("DELETE FROM registrations")
    assert states(api, receipt) == ["accepted", "sent"]


def test_an_unknown_receipt_is_not_found(api: AuthApi) -> None:
    for receipt in ("x", "y" * 43, "z" * 5000, "%00", "nguyễn"):
        answer = api.get(f"/v1/receipts/{receipt}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_receipt")

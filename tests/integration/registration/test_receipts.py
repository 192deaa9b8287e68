"""② Following a letter by its receipt."""

from support.auth_api import AuthApi


def test_a_receipt_tells_state_and_timeline(api: AuthApi) -> None:
    receipt = api.register("linh@example.com")
    letter_id = api.letter_id(receipt)
    api.sql("UPDATE letters SET state = 'failed'")
    api.sql("INSERT INTO letter_events (letter_id, state) VALUES (%s, 'queued')", letter_id)
    api.sql("INSERT INTO letter_events (letter_id, state, detail) VALUES (%s, 'failed', '5.1.1')", letter_id)
    answer = api.get(f"/v1/receipts/{receipt}")
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["state"] == "failed"
    assert [step["state"] for step in body["timeline"]] == ["accepted", "queued", "failed"]
    assert [step.get("detail") for step in body["timeline"]] == [None, None, "5.1.1"]
    assert all(step["at"].endswith("Z") and "." not in step["at"] for step in body["timeline"])
    assert "linh" not in answer.text


def test_a_decoys_receipt_reads_as_any_other(api: AuthApi) -> None:
    api.register("linh@example.com")
    real = api.get(f"/v1/receipts/{api.resend('linh@example.com')}")
    decoy = api.get(f"/v1/receipts/{api.resend('nobody@example.com')}")
    assert len(real.data) == len(decoy.data)
    assert real.get_json()["state"] == decoy.get_json()["state"] == "accepted"


def test_an_unknown_receipt_is_not_found(api: AuthApi) -> None:
    for receipt in ("x", "y" * 43, "z" * 5000, "%00", "nguyễn"):
        answer = api.get(f"/v1/receipts/{receipt}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_receipt")

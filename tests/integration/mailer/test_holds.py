"""What an operator holds waits on every replica, is seen, and goes on at the release or by itself."""

import pytest

from support.eventually import eventually
from support.mailroom import Mailroom
from support.operator import Operator

HELD = {"held"}


@pytest.fixture
def operator(room: Mailroom) -> Operator:
    return Operator(room=room)


def reasons(room: Mailroom) -> set[str]:
    return {message["properties"]["headers"]["x-postern-reason"] for _, message in room.waiting().values()}


def test_a_held_domain_waits_on_every_replica_decoys_too_and_goes_at_the_release(
    room: Mailroom, operator: Operator
) -> None:
    operator.json("holds", "add", "--domain", "example.org", "--reason", "they asked us to stop")
    room.start()
    room.start()
    held = {room.post(room.seal("an@example.org")), room.post(room.seal("bo@example.org", decoy=True))}
    free = room.post(room.seal("an@example.net"))
    eventually(lambda: set(room.waiting()) == held, within=20)
    assert reasons(room) == HELD
    assert {tier.value for tier, _ in room.waiting().values()} == {"30m"}
    eventually(lambda: room.state(free) == "accepted")
    (listed,) = operator.json("holds", "list")["holds"]
    assert (listed["kind"], listed["actor"], listed["reason"]) == ("domain", "linh", "they asked us to stop")

    operator.json("holds", "release", "--domain", listed["target"])
    for letter_id in held:
        eventually(lambda one=letter_id: room.told(one) == ["sent"], within=20)  # type: ignore[misc]
    assert operator.json("holds", "list")["holds"] == []
    assert [act["action"] for act in operator.json("audit")["actions"]] == [
        "holds add",
        "holds release",
        "waiting hurry",
    ]


@pytest.mark.slow
def test_a_held_provider_gets_no_letters_and_an_expired_hold_ends_by_itself(
    room: Mailroom, operator: Operator
) -> None:
    replica = room.start()
    provider = room.inbox.smtp_url.removeprefix("smtp://")
    operator.json("holds", "add", "--provider", provider, "--reason", "a new password", "--for", "8s")
    eventually(lambda: replica.events("consumption_paused"))
    letter_id = room.post(room.seal("an@example.org"))
    (one,) = operator.json("providers", "list")["providers"]
    assert (one["provider"], one["state"], one["reason"]) == (provider, "held", "a new password")
    assert room.state(letter_id) is None
    eventually(lambda: room.told(letter_id) == ["sent"], within=30)
    (one,) = operator.json("providers", "list")["providers"]
    assert one["state"] == "up"


def test_a_hold_says_what_and_why(operator: Operator) -> None:
    assert operator.run("holds", "add", "--reason", "because").returncode == 2
    assert operator.run("holds", "add", "--class", "bulk").returncode == 2
    assert operator.run("holds", "add", "--class", "bulk", "--reason", "an@example.org").returncode == 2
    assert operator.run("holds", "release", "--class", "bulk").returncode == 1

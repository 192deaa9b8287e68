"""Letters that are not wanted any more, or not in time, through all services: withdrawn while they wait, or replaced."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg2
import pytest

from auth_service.maintenance.purge import purge_registrations
from mail_contract.keys import PublicSealingKeys, SealingKeys, SigningKey, VerifyingKeys
from mail_contract.messages import Envelope
from mail_contract.sealing import Opener, Sealer
from mail_contract.topology import MAILER_URGENT, WaitTier, build_topology
from service_runtime.database.engine import build_engine, build_sessions
from support.eventually import eventually
from support.people import Gate, Mailbox, addresses
from support.services import Services

LOST_ONCE = {"match": {"phase": "dot"}, "action": "reset", "store": True, "times": 1}
BUSY = {"match": {"phase": "rcpt"}, "reply": "451 4.3.0 Busy"}


@pytest.fixture
def gate(services: Services) -> Iterator[Gate]:
    services.start_journey()
    with Gate(services.api) as client:
        yield client


@pytest.fixture
def mailbox(services: Services, gate: Gate) -> Iterator[Mailbox]:
    assert gate
    with Mailbox(services.inbox) as client:
        yield client


def play(services: Services, *rules: dict[str, Any]) -> None:
    httpx.put(f"{services.inbox}/api/script", json=list(rules)).raise_for_status()


def sql(services: Services, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    url = services.at.auth_database.admin_url
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def shorten_the_waits(services: Services) -> None:
    """Every waiting room lets go after three seconds."""
    services.at.broker.take_policies_of(build_topology(dict.fromkeys(WaitTier, timedelta(seconds=3))))


def purge(services: Services, address: str) -> None:
    """A week goes by."""
    sql(
        services,
        "UPDATE registrations SET created_at = now() - interval '8 days' WHERE email = %s",
        address,
    )
    sessions = build_sessions(build_engine(services.at.auth_database.url, application="test"))
    with sessions.begin() as session:
        assert purge_registrations(session, limit=10) == 1


def test_a_letter_in_a_waiting_room_is_withdrawn_by_a_newer_one_a_used_link_or_the_end_of_its_account(
    services: Services, gate: Gate, mailbox: Mailbox
) -> None:
    again, verified, purged = addresses(3)
    shorten_the_waits(services)
    play(services, LOST_ONCE)
    receipts = {verified: gate.register(verified)}
    gate.wait_until(receipts[verified], "deferred")
    play(services, BUSY)
    (arrived,) = mailbox.wait_for(verified)
    receipts |= {address: gate.register(address) for address in (again, purged)}
    for receipt in receipts.values():
        gate.wait_until(receipt, "deferred")

    newer = gate.resend(again)
    assert gate.verify(of=verified, token=arrived.token).status_code == 200
    purge(services, purged)

    for receipt in (receipts[again], receipts[purged]):
        gate.wait_until(receipt, "superseded")
    gate.wait_until(receipts[verified], "confirmed")
    play(services)
    gate.wait_until(newer, "sent")
    broker = services.at.broker
    eventually(lambda: sum(broker.depth(tier.queue) for tier in WaitTier) == 0, within=30)
    eventually(lambda: broker.depth(MAILER_URGENT) == 0)
    assert mailbox.received([again, verified, purged]) == {again: 1, verified: 1}


def test_a_letter_that_reaches_the_mailer_too_late_is_replaced_by_one_that_works(
    services: Services, gate: Gate, mailbox: Mailbox
) -> None:
    (address,) = addresses(1)
    services.stop("relay")
    receipt = gate.register(address)
    let_expire_on_the_way(services)
    services.start("relay")

    (letter,) = mailbox.wait_for(address)
    story = gate.wait_until(receipt, "sent")
    states = [step["state"] for step in story["timeline"]]
    assert [state for state in states if state != "queued"] == ["accepted", "expired", "accepted", "sent"]
    assert gate.verify(of=address, token=letter.token).status_code == 200


def let_expire_on_the_way(services: Services) -> None:
    """The letter in the outbox leaves in time and is late when the mailer reads it: as after a day in a queue."""
    keys = services.at.keys
    opener = Opener(
        sealing_keys=SealingKeys.from_json((keys / "sealing.private.json").read_text()),
        verifying_keys=VerifyingKeys.from_json((keys / "signing.public.json").read_text()),
    )
    sealer = Sealer(
        sealing_keys=PublicSealingKeys.from_json((keys / "sealing.public.json").read_text()),
        signing_key=SigningKey.from_json((keys / "signing.private.json").read_text()),
    )
    ((id_, payload),) = sql(services, "SELECT id::text, payload FROM outbox")
    envelope = Envelope.model_validate(payload)
    late = envelope.header.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    sealed = sealer.seal(late, opener.open(envelope))
    sql(
        services,
        "UPDATE outbox SET payload = %s WHERE id = %s",
        json.dumps(sealed.model_dump(mode="json")),
        id_,
    )
    assert UUID(id_) == envelope.header.id

"""kill -9 in the middle of the work: every letter arrives, a second copy only where the ledger says it may.

Invariants I1 (nothing missing), I2 (nothing uncommitted sent), I3 (copies only where ambiguous), I6 and I7.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

import psycopg2
import pytest

from support.eventually import eventually
from support.faults.matrix import row
from support.people import PASSWORD, Gate, Mailbox, addresses
from support.stack import Stack

LETTERS = 300


def ambiguous(stack: Stack) -> int:
    """Letters the ledger names as perhaps accepted without our knowing."""
    with psycopg2.connect(stack.database["mailer"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM letters WHERE ambiguous")
        (count,) = cursor.fetchone() or (0,)
    connection.close()
    return int(count)


def quarters(done: Iterator[Future[str]]) -> Iterator[int]:
    """Yields 1, 2, 3 as a quarter, half, three quarters of the registrations are answered."""
    for n, future in enumerate(done, start=1):
        future.result()
        if n % (LETTERS // 4) == 0 and n < LETTERS:
            yield n * 4 // LETTERS


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "victim",
    [
        pytest.param("relay", marks=row(3, "kill -9 relay three times, on the whole stack")),
        pytest.param("mailer", marks=row(15, "kill -9 mailer three times, on the whole stack")),
        pytest.param("rabbitmq", marks=row(7, "kill -9 broker three times, on the whole stack")),
    ],
)
def test_three_hundred_registrations_survive_kill_9(
    stack: Stack, gate: Gate, mailbox: Mailbox, victim: str
) -> None:
    people = addresses(LETTERS)
    doubtful_before = ambiguous(stack)
    with ThreadPoolExecutor(8) as pool:
        futures = {pool.submit(gate.register, address): address for address in people}
        for _ in quarters(as_completed(futures)):
            os.kill(stack.pids(victim)[0], signal.SIGKILL)
            eventually(lambda: stack.running(victim), within=40)
    receipts = {future.result() for future in futures}
    assert len(receipts) == LETTERS

    def everybody_has_one() -> None:
        missing = set(people) - set(mailbox.received(people))
        assert not missing, f"{len(missing)} of {LETTERS} have no letter"

    eventually(everybody_has_one, within=120, every=0.5)
    for receipt in receipts:
        gate.wait_until(receipt, "sent", within=30)
    received = mailbox.received(people)
    copies = sum(received.values()) - LETTERS
    doubtful = ambiguous(stack) - doubtful_before
    print(
        f"\n{victim}: requested {LETTERS}, delivered {len(received)}, copies {copies}, ambiguous {doubtful}"
    )
    assert copies <= doubtful


@row(10, "broker away, on the whole stack")
def test_registration_answers_while_the_broker_is_away_and_its_letter_arrives_afterwards(
    stack: Stack, gate: Gate, mailbox: Mailbox
) -> None:
    people = addresses(100)
    others = {name: stack.pids(name) for name in ("api", "relay", "mailer", "auth-worker", "beat")}
    milliseconds: list[float] = []
    with stack.stopped("rabbitmq"):
        for address in people:
            answer = gate.http.post("/v1/registrations", json={"email": address, "password": PASSWORD})
            assert answer.status_code == 202
            milliseconds.append(answer.elapsed.total_seconds() * 1000)
        assert not any(mailbox.summaries(address) for address in people[:3])
    worst = sorted(milliseconds)[98]
    print(f"\nbroker away: p99 of {len(people)} registrations {worst:.0f} ms")
    assert worst < 300
    for address in people:
        assert len(mailbox.wait_for(address, within=60)) == 1
    assert {name: stack.pids(name) for name in others} == others, "something was restarted"

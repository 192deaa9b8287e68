"""How long an urgent letter takes to the inbox while bulk letters are queued and being sent, and how fast those move.

On a RabbitMQ, a PostgreSQL and a mail server of its own: bulk letters are sealed and published by the relay's own code,
then the mailers of the native stack are started (two that take all, one for urgent letters alone) and urgent letters
follow one by one. A letter's time runs from before it is sealed until the server has its last byte. Exits with 1 if the
99th percentile is above a second, if bulk letters stand still meanwhile, or if an urgent letter is missing. Run by
`make benchpriorities`.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from bench.mailer import Sink, servers, sink
from mail_contract.letters import LETTERS, LetterName
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Sealer
from mail_contract.topology import MAILER_BULK, MAILER_URGENT
from service_runtime.publishing.channel import ConfirmingChannel
from support.broker import virtual_host
from support.database import database_copy
from support.mailroom import Mailroom, letter_call, mailroom
from support.outgoing import CONTEXTS

BOUND_SECONDS = 1.0
WINDOW = 500
DOMAINS = 50
URGENT, BULK = LetterName.VERIFY_ADDRESS, LetterName.TERMS_CHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked: letters, seconds between two urgent ones, the server's milliseconds a reply, mailers of each kind."""

    bulk: int
    urgent: int
    every: float
    reply_ms: float
    mailers: int
    urgent_mailers: int


class Sender:
    """Auth-service's part: seals letters and publishes them on one channel."""

    def __init__(self, room: Mailroom) -> None:
        self._sealer: Sealer = room.sealer()
        self._channel = ConfirmingChannel(room.auth)

    def send(self, letter: LetterName, *, number: int) -> Envelope:
        """Writes one letter to the socket; its confirm is read by `confirm`."""
        definition = LETTERS[letter]
        now = datetime.now(UTC)
        header = EnvelopeHeader(
            id=uuid4(),
            letter=letter,
            letter_class=definition.letter_class,
            priority=definition.priority,
            created_at=now,
            expires_at=now + definition.lifetime,
            locale="en",
            recipient_tag="tag",
        )
        person = Contents(
            recipient=f"person-{number}@d{number % DOMAINS}.example", context=dict(CONTEXTS[letter])
        )
        envelope = self._sealer.seal(header, person)
        self._channel.publish(letter_call(envelope))
        return envelope

    def confirm(self) -> None:
        """Waits for the broker's answers to everything sent so far; every one must be a confirm."""
        self._channel.read_answers(seconds=60)
        outcomes = self._channel.confirms.take()
        assert all(outcome.confirmed for outcome in outcomes), set(outcomes)

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()


def fill(sender: Sender, number: int) -> None:
    """Queues bulk letters, a window of them at a time unconfirmed."""
    for sent in range(1, number + 1):
        sender.send(BULK, number=sent)
        if sent % WINDOW == 0 or sent == number:
            sender.confirm()


def until(server: Sink, letters: int, *, seconds: float) -> None:
    """Waits until that many letters came."""
    give_up = time.monotonic() + seconds
    while server.count()[0] < letters:
        assert time.monotonic() < give_up, f"fewer than {letters} letters came in {seconds:g} s"
        time.sleep(0.1)


def urgent_times(sender: Sender, server: Sink, options: Options) -> list[float]:
    """Sends urgent letters one by one; returns the seconds each took, sorted."""
    begun: dict[str, float] = {}
    for number in range(options.urgent):
        start = time.monotonic()
        letter = sender.send(URGENT, number=number)
        begun[str(letter.header.id)] = start
        sender.confirm()
        time.sleep(max(0.0, options.every - (time.monotonic() - start)))
    give_up = time.monotonic() + 30
    while None in (arrivals := server.arrivals(list(begun))):
        assert time.monotonic() < give_up, f"{arrivals.count(None)} urgent letters did not come"
        time.sleep(0.1)
    return sorted(
        arrived - start
        for arrived, start in zip(arrivals, begun.values(), strict=True)
        if arrived is not None
    )


def run(room: Mailroom, server: Sink, options: Options) -> tuple[bool, str]:
    """Loads and measures; tells whether all is as it should be, and the figures."""
    sender = Sender(room)
    loading = time.monotonic()
    fill(sender, options.bulk)
    loaded = time.monotonic() - loading
    for _ in range(options.mailers):
        room.start(MAILER_SMTP_URL=server.url)
    for _ in range(options.urgent_mailers):
        room.start(MAILER_SMTP_URL=server.url, MAILER_QUEUES=MAILER_URGENT)
    until(server, min(200, options.bulk // 10), seconds=60)
    queued, sent, start = room.broker.depth(MAILER_BULK), server.count()[0], time.monotonic()
    times = urgent_times(sender, server, options)
    seconds, sent = time.monotonic() - start, server.count()[0] - sent - options.urgent
    left = room.broker.depth(MAILER_BULK)
    sender.close()
    codes = [replica.stop() for replica in room.replicas]
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
    report = (
        f"bulk: {options.bulk} queued in {loaded:.0f} s; {queued} left at the first urgent letter, {left} after the last\n"
        f"bulk meanwhile: {sent / seconds:.0f} letters/s\n"
        f"urgent to inbox: p50 {p50 * 1000:.0f} ms   p99 {p99 * 1000:.0f} ms   worst {times[-1] * 1000:.0f} ms"
        f"   bound {BOUND_SECONDS * 1000:.0f} ms   n={len(times)} copies={server.count()[1]} exit={codes}"
    )
    return p99 < BOUND_SECONDS and sent > 0 and left > 0, report


def main() -> None:
    """Starts the servers, measures once, stops them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bulk", type=int, default=100_000, help="bulk letters queued first")
    parser.add_argument("--urgent", type=int, default=300, help="urgent letters")
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two of them")
    parser.add_argument("--reply-ms", type=float, default=10.0, help="the mail server's time a reply")
    parser.add_argument("--mailers", type=int, default=2, help="that take all letters")
    parser.add_argument("--urgent-mailers", type=int, default=1, help="that take urgent letters alone")
    options = Options(**vars(parser.parse_args()))
    with (
        servers() as (infra, directory),
        redirect_stdout(sys.stderr),  # the servers' own words
        virtual_host(infra) as broker,
        database_copy(infra, "mailer") as database,
        mailroom(broker, database, directory) as room,
        sink(options.reply_ms) as server,
    ):
        good, report = run(room, server, options)
    print(report)
    sys.exit(0 if good else "not as it should be")


if __name__ == "__main__":
    main()

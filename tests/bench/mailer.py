"""How many letters a second one replica sends, what CPU time a letter takes it, and whether it grows.

On a RabbitMQ and a PostgreSQL of its own: letters are sealed and published first, then one `mailer-service worker` is
started. Figures are those of the steady part, from a tenth to nine tenths of the letters; CPU is user and system time of
the worker's process, threads included. Afterwards every letter must be in the ledger as accepted, reported, and at the
server once. The reference in each line is the CPU time of a fixed piece of Python, measured again and again meanwhile, to
tell machines and moments apart. Run by `make benchmailer`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from mail_contract.topology import AUTH_REPORTS
from mailer_service.settings import WorkerSettings
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.publisher import Publisher
from support.broker import virtual_host
from support.database import database_copy, migrate
from support.infra import Infra
from support.mailroom import COMMAND, Mailroom, Replica, letter_call, mailroom

SINK = Path(__file__).with_name("sink.py")
WINDOW = 500
SAMPLE_SECONDS = 0.1
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was seen at one moment: seconds, letters at the server, the worker's CPU seconds and resident bytes, and how
    many milliseconds this machine takes for a fixed piece of Python."""

    at: float
    letters: int
    cpu: float
    rss: int
    reference: float


class Sink:
    """The mail server, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = f"smtp://127.0.0.1:{int(self._line())}"

    def count(self) -> tuple[int, int]:
        """Letters that came, and copies of them beyond the first."""
        answer = self._ask("")
        return answer["letters"], answer["copies"]

    def arrivals(self, letters: list[str]) -> list[float | None]:
        """When each letter first came, in seconds of the monotonic clock; None where it has not."""
        found: list[float | None] = self._ask(json.dumps(letters))
        return found

    def _ask(self, question: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def sink(reply_ms: float) -> Iterator[Sink]:
    """Runs one; it ends with the block."""
    command = [sys.executable, str(SINK), f"--reply-ms={reply_ms}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sink(process)
        finally:
            process.kill()


def post(room: Mailroom, number: int) -> None:
    """Publishes letters, a window of them at a time."""
    publisher = Publisher(partial(ConfirmingChannel, room.auth), confirm_seconds=30)
    for start in range(0, number, WINDOW):
        window = [
            letter_call(room.seal(f"person-{sent}@example.org"))
            for sent in range(start + 1, min(start + WINDOW, number) + 1)
        ]
        assert all(outcome.confirmed for outcome in publisher.publish(window))
    publisher.close()


def start(room: Mailroom, settings: dict[str, str]) -> Replica:
    """Starts a replica from nothing: one forked from a process that tests share would have their modules in its memory."""
    log = room.directory / "replica.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(COMMAND), "worker"],
            env=room.settings() | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=room.directory,
        )
    replica = Replica(process=process, log=log)
    room.replicas.append(replica)
    return replica


def watch(
    room: Mailroom, server: Sink, number: int, settings: dict[str, str], seconds: float
) -> list[Sample]:
    """Starts a replica and looks at it until the server has every letter and the broker every report."""
    process = psutil.Process(start(room, settings).process.pid)
    print(f"the replica is process {process.pid}", flush=True)
    samples: list[Sample] = []
    give_up = time.monotonic() + seconds
    while not samples or samples[-1].letters < number or room.broker.depth(AUTH_REPORTS) < number:
        with process.oneshot():
            times, rss = process.cpu_times(), process.memory_info().rss
        letters, _ = server.count()
        samples.append(
            Sample(
                at=time.monotonic(),
                letters=letters,
                cpu=times.user + times.system,
                rss=rss,
                reference=turns(10_000) * 10,
            )
        )
        assert room.replicas[-1].is_running, "the replica ended"
        assert time.monotonic() < give_up, f"after {seconds:g} s only {letters} of {number} letters were sent"
        time.sleep(SAMPLE_SECONDS)
    return samples


def steady(samples: list[Sample], number: int) -> tuple[Sample, Sample]:
    """The first sample past a tenth of the letters and the last one before nine tenths."""
    first = next(sample for sample in samples if sample.letters >= number / 10)
    last = [sample for sample in samples if sample.letters <= number * 9 / 10][-1]
    assert last.letters > first.letters, "too few letters for a steady part; ask for more"
    return first, last


def measure(infra: Infra, directory: Path, *, number: int, reply_ms: float, settings: dict[str, str]) -> bool:
    """One run: prints its line; tells whether every letter is accounted for."""
    directory.mkdir()
    with (
        redirect_stdout(sys.stderr),  # the servers' own words
        virtual_host(infra) as broker,
        database_copy(infra, "mailer") as database,
        mailroom(broker, database, directory) as room,
        sink(reply_ms) as server,
    ):
        post(room, number)
        samples = watch(room, server, number, {"MAILER_SMTP_URL": server.url, **settings}, 60 + number / 20)
        code = room.replicas[-1].stop()
        letters, copies = server.count()
        states = room.query("SELECT state, count(*) AS n FROM letters GROUP BY state")
        reports = broker.depth(AUTH_REPORTS)
    first, last = steady(samples, number)
    sent, seconds = last.letters - first.letters, last.at - first.at
    reference = median(sample.reference for sample in samples if first.at <= sample.at <= last.at)
    middle = next(sample for sample in samples if sample.letters >= number / 2)
    print(
        f"{reply_ms:4g} ms a reply: {sent / seconds:7.0f} letters/s   {(last.cpu - first.cpu) / sent * 1000:6.2f} ms CPU a letter"
        f"   RSS {first.rss / MEGABYTE:4.0f} {middle.rss / MEGABYTE:4.0f} {samples[-1].rss / MEGABYTE:4.0f} MB"
        f"   reference {reference:4.1f} ms   n={number} copies={copies} ledger={ {row['state']: row['n'] for row in states} } reports={reports} exit={code}",
        flush=True,
    )
    return (letters, copies, reports, code) == (number, 0, number, 0) and states == [
        {"state": "accepted", "n": number}
    ]


def turns(number: int) -> float:
    """CPU milliseconds of so many turns of a loop: how fast this machine is at this moment."""
    start, sum_ = time.process_time(), 0
    for turn in range(number):
        sum_ += turn * turn % 7
    return (time.process_time() - start) * 1000


@contextmanager
def servers() -> Iterator[tuple[Infra, Path]]:
    """A RabbitMQ and a PostgreSQL with the mailer's tables, and a directory, all gone at the end."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o711)  # PostgreSQL runs as a user of its own
        infra = Infra.below(directory)
        try:
            infra.start()
            migrate(infra, "mailer")
            yield infra, directory
        finally:
            infra.stop()


def main() -> None:
    """Measures at an instant server, then at one that takes its time; exits with 1 if a letter is unaccounted for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=5000, help="a run")
    parser.add_argument(
        "--reply-ms", type=float, nargs="+", default=[0, 10], help="a run each; the server's time a reply"
    )
    parser.add_argument("--set", action="append", default=[], metavar="MAILER_…=VALUE", help="of the worker")
    options = parser.parse_args()
    shipped = {"MAILER_CONCURRENCY": str(WorkerSettings.model_fields["concurrency"].default)}
    settings = shipped | dict(assignment.split("=", 1) for assignment in options.set)
    with servers() as (infra, directory):
        accounted = [
            measure(infra, directory / str(run), number=options.letters, reply_ms=ms, settings=settings)
            for run, ms in enumerate(options.reply_ms)
        ]
    sys.exit(0 if all(accounted) else "not every letter is accounted for")


if __name__ == "__main__":
    main()

"""Prints which modules and functions of ours handle a letter, step by step, and how many modules that is.

On a RabbitMQ, a PostgreSQL and services of its own, which are watched from outside from the moment one address is registered
over HTTP until the report of its letter is recorded. Run by `make journey`.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from support.broker import virtual_host
from support.database import database_copy, migrate
from support.infra import Infra
from support.letter_journey import Journey, send_one_letter, trace
from support.service_programs import ServiceEnvironment, make_keys
from support.services import services_at


def travel(directory: Path) -> Journey:
    """One letter's journey; everything it needs lives below the directory, and only so long."""
    directory.chmod(0o711)  # PostgreSQL runs as a user of its own
    infra = Infra.below(directory)
    try:
        infra.start()
        for service in ("auth", "mailer"):
            migrate(infra, service)
        with (
            virtual_host(infra) as broker,
            database_copy(infra, "auth") as auth,
            database_copy(infra, "mailer") as mailer,
        ):
            at = ServiceEnvironment(
                directory=directory,
                keys=make_keys(directory / "keys"),
                broker=broker,
                auth_database=auth,
                mailer_database=mailer,
            )
            with services_at(at) as services:
                tracing = trace(services)
                services.start_journey()
                return send_one_letter(services, tracing)
    finally:
        infra.stop()


def main() -> None:
    """Sends it, then prints its journey; the services' logs only if it did not arrive."""
    logs = StringIO()
    try:
        with tempfile.TemporaryDirectory() as directory, redirect_stdout(logs):
            journey = travel(Path(directory))
    except BaseException:
        sys.stderr.write(logs.getvalue())
        raise
    print("\n".join(journey.told()))


if __name__ == "__main__":
    main()

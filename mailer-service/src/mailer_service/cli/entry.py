"""Where `mailer-service` begins."""

from __future__ import annotations

import sys

from mailer_service.cli import alive


def main() -> None:
    """Runs a command; the one that is asked every few seconds loads nothing but itself, a tenth of what the others do."""
    if sys.argv[1:] == ["alive"]:
        alive.main()
    from mailer_service.cli.main import main as commands  # noqa: PLC0415 - see above

    commands()

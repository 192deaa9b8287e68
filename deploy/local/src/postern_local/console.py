"""What the person in front of the terminal reads."""

import sys
import threading
import time

_started = time.monotonic()
_one_at_a_time = threading.Lock()


def say(message: str) -> None:
    """Print a line of progress with the seconds since the start."""
    emit(f"{time.monotonic() - _started:5.1f} s  {message}")


def emit(line: str) -> None:
    """Print a line, whole."""
    with _one_at_a_time:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def complain(message: str) -> None:
    """Print an error."""
    sys.stderr.write(f"postern: {message}\n")

"""`postern-local doctor`: the topology doctor on whichever stack is running."""

import json
import os
from pathlib import Path

from postern_local import compose
from postern_local.directory import StateDirectory
from postern_local.errors import LocalStackError
from postern_local.holds import holds
from postern_local.lock import is_held
from postern_local.lost_letters import lost_letters
from postern_rabbitmq.doctor.command import CANNOT_ASK, examine
from postern_rabbitmq.doctor.examination import Check

VARIABLE = "POSTERN_BROKER_ADMIN_URL"

_NOWHERE = f"start one with `make run` or `make up`, or set {VARIABLE} (http://user:password@host:15672)"


class NobodyToAsk(LocalStackError):
    """There is no broker to examine."""

    sentence = "There is no broker to examine."
    exit_code = CANNOT_ASK


def doctor(state: StateDirectory, *, as_json: bool) -> int:
    """Print the diagnosis and return its exit code; an address in the environment goes before the native stack.

    Raises:
        NobodyToAsk: no address is given and the native stack is not up.
    """
    return examine(_admin_url(state), further=_further(state), as_json=as_json)


def _further(state: StateDirectory) -> tuple[Check, ...]:
    """Both databases are known of the native stack only, and only where it is that stack that is examined."""
    if VARIABLE in os.environ or f"{VARIABLE}_FILE" in os.environ:
        return ()
    databases = json.loads(_content(state.stack_file))["database"]
    mailer = databases["mailer"]
    return (lost_letters(auth=databases["auth"], mailer=mailer), holds(mailer=mailer))


def _admin_url(state: StateDirectory) -> str:
    given = os.environ.get(VARIABLE)
    file = os.environ.get(f"{VARIABLE}_FILE")
    if given:
        return given
    if file:
        return _content(Path(file))
    if is_held(state.lock_file) and state.stack_file.exists():
        return str(json.loads(_content(state.stack_file))["rabbitmq_admin"])
    raise NobodyToAsk(_under_compose() if compose.is_running() else _NOWHERE)


def _under_compose() -> str:
    return (
        f"the stack runs under Docker Compose: set {VARIABLE} to"
        f" http://postern-admin:PASSWORD@{compose.console_address()}; `make up` says where the password is"
    )


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NobodyToAsk(f"cannot read {file}: {type(error).__name__}") from error

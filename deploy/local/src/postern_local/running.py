"""Where a stack that is up already can be reached, for somebody who tries to start a second one."""

import json

from postern_local.address_table import without_login
from postern_local.directory import StateDirectory

PARTS = ("api", "inbox", "rabbitmq_console", "flower", "smtp")


def where(state: StateDirectory) -> str:
    """Its addresses, without logins; a remark where it is starting or stopping."""
    try:
        description = json.loads(state.stack_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"It is starting or stopping right now, in {state.root}."
    addresses = "\n".join(f"  {part:<17} {without_login(description[part])}" for part in PARTS)
    return f"{addresses}\n  everything else is in {state.stack_file}"

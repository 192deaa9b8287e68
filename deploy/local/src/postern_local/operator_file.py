"""`operator.env`: what an operator's commands need, for a shell to read (`set -a; . .postern/operator.env`)."""

import shlex

from postern_local.configuration import StackConfiguration
from postern_local.directory import write_private
from postern_local.services import operator_settings

HEADING = """\
# For the commands of both services on the stack that runs: set -a; . {path}; set +a
# Written at every start, removed at every stop. It opens everything: keep it to yourself.
POSTERN_ACTOR="${{POSTERN_ACTOR:-$(id -un)}}"
"""


def write_operator_file(configuration: StackConfiguration) -> None:
    """Write it, readable by its owner only."""
    path = configuration.state.operator_file
    lines = [f"{name}={shlex.quote(value)}" for name, value in operator_settings(configuration).items()]
    write_private(path, HEADING.format(path=path) + "\n".join(lines) + "\n")

"""`postern-local`: the native stack, as `make run`, `make scale`, `make doctor` and `make clean` call it."""

import sys
from collections.abc import Callable

import click

from postern_local.clean import clean as remove_all
from postern_local.configuration import state_directory
from postern_local.console import complain
from postern_local.errors import AlreadyRunning, Interrupted, LocalStackError
from postern_local.run import run as run_stack
from postern_local.running import where
from postern_local.scale import scale as scale_stack

MOST = {"mailer": range(33), "api": range(1, 33)}


@click.group()
def main() -> None:
    """Postern on this machine, without containers."""


@main.command()
@click.option("--monitoring", is_flag=True, help="With Debian's Prometheus beside it.")
def run(*, monitoring: bool) -> None:
    """Start everything, stream the logs, stop all on Ctrl-C."""
    state = state_directory()
    try:
        run_stack(state, monitoring=monitoring)
    except Interrupted:
        return
    except AlreadyRunning as error:
        complain(str(error))
        click.echo(where(state))
        sys.exit(error.exit_code)
    except LocalStackError as error:
        _fail(error)


@main.command()
@click.argument("settings", metavar="mailer=N api=N", nargs=-1, required=True)
def scale(settings: tuple[str, ...]) -> None:
    """Change how many mailers or API processes run, now and at every later start."""
    wanted = {}
    for setting in settings:
        kind, _, number = setting.partition("=")
        if kind not in MOST or not number.isdecimal() or int(number) not in MOST[kind]:
            raise click.UsageError("say mailer=N, N between 0 and 32, or api=N, N between 1 and 32")
        wanted[kind] = int(number)
    _obey(lambda: scale_stack(state_directory(), wanted))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(as_json: bool) -> None:
    """Examine the broker of the stack that runs: exit code 1 with errors, 2 where there is none to ask."""
    from postern_local.doctor import doctor as examine  # noqa: PLC0415 - it loads Celery, the other commands need not

    try:
        sys.exit(examine(state_directory(), as_json=as_json))
    except LocalStackError as error:
        _fail(error)


@main.command()
def clean() -> None:
    """Remove the data; refuses while a stack is up."""
    _obey(lambda: remove_all(state_directory()))


def _obey(order: Callable[[], None]) -> None:
    try:
        order()
    except LocalStackError as error:
        _fail(error)


def _fail(error: LocalStackError) -> None:
    complain(str(error))
    sys.exit(error.exit_code)

"""What the operators' commands of both services have in common: who acts, ages, and how far a long run has come."""

from __future__ import annotations

import re
import sys
import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import click
import structlog

log = structlog.get_logger(__name__)

ACTOR_VARIABLE: Final = "POSTERN_ACTOR"
_MOST_OF_A_NAME: Final = 64


def _actor(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    name = (value or "").strip()
    if not name and ctx.params.get("dry_run"):
        return "nobody"
    if not name:
        raise click.UsageError(
            f"say who you are, for the audit: --actor NAME, or {ACTOR_VARIABLE} in the environment", ctx
        )
    if len(name) > _MOST_OF_A_NAME or not name.isprintable():
        raise click.BadParameter(f"say a name of at most {_MOST_OF_A_NAME} printable characters")
    return name


actor_option = click.option(
    "--actor",
    envvar=ACTOR_VARIABLE,
    metavar="NAME",
    callback=_actor,
    help=f"Who you are, for the audit; or say it in {ACTOR_VARIABLE}. A dry run needs none.",
)
"""Who does it, for every command that changes something; refused without."""


_AGE: Final = re.compile(r"([0-9]{1,6})(ms|s|m|h|d)")
_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Age(click.ParamType[timedelta]):
    """A length of time such as 30s, 5m, 2h or 1d."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Returns the length of time."""
        if isinstance(value, timedelta):
            return value
        found = _AGE.fullmatch(str(value))
        if found is None:
            self.fail("say 30s, 5m, 2h or 1d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment_text(at: datetime) -> str:
    """Returns a time in UTC as operators read it, to the second."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


_LOG_SECONDS: Final = 5.0


class Progress:
    """How far a long run has come, on standard error: a bar on a terminal, a log line every few seconds elsewhere.

    Used in a `with` block.
    """

    def __init__(self, label: str, *, done: int, of: int) -> None:
        """Takes what it is about, how much was done before, and how much there is in all."""
        self._label, self._done, self._of = label, done, of
        self._bar: Any = None
        self._log_due = time.monotonic() + _LOG_SECONDS
        if sys.stderr.isatty():
            self._bar = click.progressbar(
                length=max(of, 1), label=label, file=sys.stderr, show_pos=True, item_show_func=_same
            )

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.__enter__()
            self._bar.update(self._done)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)

    def show(self, done: int, *, note: str | None = None) -> None:
        """Says that so much is done now, in all; and in a word why it goes no faster."""
        if self._bar is not None:
            self._bar.update(done - self._done, note)
        elif time.monotonic() >= self._log_due:
            self._log_due = time.monotonic() + _LOG_SECONDS
            log.info("progress", of=self._label, done=done, all=self._of, note=note)
        self._done = done


def _same(note: str | None) -> str | None:
    """A bar shows nothing where there is no note."""
    return note

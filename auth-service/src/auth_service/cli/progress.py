"""Saying how far a long run has come: a bar on a terminal, a log line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Final, Self

import click
import structlog

log = structlog.get_logger(__name__)

_LOG_SECONDS: Final = 5.0


class Progress:
    """Progress on standard error; use it in a `with` block."""

    def __init__(self, label: str, *, done: int, of: int) -> None:
        """Takes what it is about, how much was done before, and how much there is in all."""
        self._label, self._done, self._of = label, done, of
        self._bar: Any = None
        self._log_due = 0.0
        if sys.stderr.isatty():
            self._bar = click.progressbar(
                length=max(of, 1), label=label, file=sys.stderr, show_pos=True, item_show_func=str_or_none
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


def str_or_none(note: str | None) -> str | None:
    """A bar shows nothing where there is no note."""
    return note

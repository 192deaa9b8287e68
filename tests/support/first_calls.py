"""Writes down, from outside, which functions of chosen packages a process calls, each at its first call.

Nothing is written until a file exists, so that a process starts unseen. A call by a timer or in a background thread of the
packages' own is somebody's routine and caused by nobody outside; so are imports.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

from postern_local.program import Program
from support.nursery import Child, fork_program

_CO_OPTIMIZED = 1  # functions have it, bodies of modules and classes do not
_TIMERS = ("kombu.asynchronous.timer", "kombu.asynchronous.hub:fire_timers", "celery.utils.timer2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function's first call in a process.

    Attributes:
        at: seconds on the monotonic clock, which all processes of a machine share.
        program: the name it was started by; its children have the same.
        module: of the function.
        function: its qualified name; what is defined inside it counts to it.
        callers: functions of the packages it was called by, directly or not, as `module:function`, outermost first.
    """

    at: float
    program: str
    module: str
    function: str
    callers: tuple[str, ...]

    @classmethod
    def read(cls, line: str) -> Self:
        """As it was written."""
        told: dict[str, Any] = json.loads(line)
        return cls(**{**told, "callers": tuple(told["callers"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Which calls are written down, and where.

    Attributes:
        packages: top-level packages whose functions count.
        file: gets a line a call, from all processes.
        switch: nothing is written unless this file exists.
    """

    packages: frozenset[str]
    file: Path
    switch: Path

    def birth(self, program: Program, *, log: Path) -> Child:
        """Start one of the packages' own commands as `nursery.fork_program` does, traced."""
        return fork_program(program, log=log, first=_Tracer(self, program.name).install)

    def calls(self) -> list[Call]:
        """What has been written down, in the order of time; of a program with several processes the first to call counts."""
        lines = self.file.read_text(encoding="utf-8").splitlines()
        first: dict[tuple[str, str, str], Call] = {}
        for call in sorted(map(Call.read, lines), key=lambda call: call.at):
            first.setdefault((call.program, call.module, call.function), call)
        return list(first.values())


class _Tracer:
    def __init__(self, tracing: Tracing, program: str) -> None:
        self._tracing = tracing
        self._program = program
        self._switch = str(tracing.switch)
        self._done: set[CodeType] = set()
        self._told: set[tuple[str, str]] = set()

    def install(self) -> None:
        """For this thread, for all it starts, and for the processes it forks."""
        threading.setprofile(self._on_event)
        sys.setprofile(self._on_event)

    def _on_event(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or frame.f_code in self._done:
            return
        if not self._counts(frame):
            self._done.add(frame.f_code)
            return
        if not os.path.exists(self._switch):  # noqa: PTH110 - called very often
            return
        callers = list(_outward(frame.f_back))
        if self._is_routine([frame, *callers]):
            return
        self._done.add(frame.f_code)
        name = (frame.f_globals["__name__"], _function(frame.f_code))
        if name not in self._told:
            self._told.add(name)
            self._tell(*name, callers)

    def _counts(self, frame: FrameType) -> bool:
        code = frame.f_code
        return (
            self._is_ours(frame)
            and bool(code.co_flags & _CO_OPTIMIZED)
            and not code.co_filename.startswith("<")  # made by dataclass, as __init__
            and not _function(code).startswith("<")  # stands in no function
        )

    def _is_ours(self, frame: FrameType) -> bool:
        return str(frame.f_globals.get("__name__")).partition(".")[0] in self._tracing.packages

    def _is_routine(self, stack: list[FrameType]) -> bool:
        for inner, outer in pairwise(stack):
            where = f"{outer.f_globals.get('__name__')}:{outer.f_code.co_name}"
            if where.startswith(_TIMERS):
                return True
            if self._is_ours(outer) and outer.f_code.co_name == "<module>":
                return True
            if where == "threading:run" and self._is_ours(inner):
                return True
        return False

    def _tell(self, module: str, function: str, callers: list[FrameType]) -> None:
        ours = [
            f"{caller.f_globals['__name__']}:{_function(caller.f_code)}"
            for caller in reversed(callers)
            if self._is_ours(caller)
        ]
        call = Call(
            at=time.monotonic(),
            program=self._program,
            module=module,
            function=function,
            callers=tuple(dict.fromkeys(ours)),
        )
        with self._tracing.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(call)) + "\n")


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _function(code: CodeType) -> str:
    return code.co_qualname.partition(".<locals>")[0]

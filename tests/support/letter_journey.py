"""One letter's way through running services: which modules and functions handled it, step by step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from postern_local.program import Program
from support.eventually import eventually
from support.first_calls import Call, Tracing
from support.no_limits import NO_LIMITS
from support.nursery import Child
from support.people import Gate, addresses
from support.service_programs import Service
from support.services import Services

PACKAGES = frozenset({"auth_service", "mailer_service", "mail_contract", "service_runtime"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the journey.

    Attributes:
        title: as README counts them.
        service: whose process does it.
        below: functions (`module:function`), modules or packages; what they call belongs to the step too. Empty for what is
            left of the process.
    """

    title: str
    service: Service
    below: tuple[str, ...] = ()

    def has(self, call: Call) -> bool:
        """Whether the call is part of the step, unless a step before it in `_CLAIMS` has it."""
        names = (*call.callers, f"{call.module}:{call.function}")
        return _service_of(call) == self.service and (
            not self.below or any(_is_below(name, root) for name in names for root in self.below)
        )


HTTP = Step(title="① HTTP request", service="api")
FLOW = Step(title="② flow", service="api", below=("auth_service.flows",))
OUTBOX = Step(title="③ outbox", service="api", below=("auth_service.outbox",))
RELAY = Step(title="④ relay", service="relay")
WORKER = Step(title="⑤ mailer worker", service="mailer")
RENDER = Step(
    title="⑥ render, compose",
    service="mailer",
    below=("mailer_service.letters", "mailer_service.letters.compose:compose"),
)
SMTP = Step(title="⑦ SMTP", service="mailer", below=("mailer_service.smtp.transport",))
REPORT = Step(title="⑧ report", service="mailer", below=("mailer_service.worker.follow_up",))
INBOX = Step(title="⑨ auth's inbox", service="auth-worker")

STEPS = (HTTP, FLOW, OUTBOX, RELAY, WORKER, RENDER, SMTP, REPORT, INBOX)
_CLAIMS = (OUTBOX, FLOW, HTTP, RELAY, REPORT, RENDER, SMTP, WORKER, INBOX)
"""The first that has a call gets it: an outbox is written within a flow, a flow runs within a request."""

_PROCESSES = tuple(dict.fromkeys(step.service for step in STEPS))

_LAST: tuple[tuple[Service, str], ...] = (("relay", "messages_published"), ("auth-worker", "report_recorded"))
"""What a service logs when nothing more is to come of it."""

_PARTS: tuple[tuple[str, tuple[Service, ...]], ...] = (
    ("API and relay", ("api", "relay")),
    ("mailer", ("mailer",)),
    ("auth worker", ("auth-worker",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """The first calls of each process, between a request and the report of its letter, in the order of time."""

    calls: tuple[Call, ...]

    def of(self, step: Step) -> list[Call]:
        """The calls of one step."""
        return [call for call in self.calls if _step_of(call) is step]

    def modules(self, *services: Service) -> list[str]:
        """Modules that handled the letter in processes of these services, of all if none is given, each once."""
        return list(
            dict.fromkeys(call.module for call in self.calls if not services or _service_of(call) in services)
        )

    def told(self) -> Iterator[str]:
        """Lines for a reader: process by process, in the order of time, what each step called; then the numbers of modules."""
        begun: set[str] = set()
        for part in _PROCESSES:
            of_part = [call for call in self.calls if _service_of(call) == part]
            for step, calls in groupby(of_part, key=_step_of):
                yield f"{step.title} ({part}){', continued' if step.title in begun else ''}"
                begun.add(step.title)
                for module, functions in groupby(calls, key=lambda call: call.module):
                    yield f"    {module:48} {', '.join(call.function for call in functions)}"
                yield ""
        for step in STEPS:
            yield f"{step.title}: {len({call.module for call in self.of(step)})} modules"
        yield ""
        yield from self.counts()

    def counts(self) -> Iterator[str]:
        """Lines: how many modules of a service, of the contract and of the runtime each part passes through."""
        for part, services in _PARTS:
            modules = self.modules(*services)
            yield f"{part}: {_count(modules)}"
        yield f"in all: {_count(self.modules())}"


def trace(services: Services) -> Tracing:
    """Has services that are started from now on write down what they call, once that is switched on."""
    directory = services.at.directory
    tracing = Tracing(packages=PACKAGES, file=directory / "calls.jsonl", switch=directory / "tracing-is-on")
    tracing.file.touch()
    services.birth = _limited(tracing.birth)
    return tracing


def send_one_letter(services: Services, tracing: Tracing) -> Journey:
    """Registers one address at services that are up, and waits until its letter is sent and the report recorded."""
    (address,) = addresses(1)
    with Gate(services.api) as gate:
        tracing.switch.touch()
        receipt = gate.register(address)
        # The API is not asked: to answer about a receipt is no part of the journey.
        eventually(lambda: all(word in services.log(service) for service, word in _LAST), within=30)
        _wait_until_silent(tracing)
        tracing.switch.unlink()
        gate.wait_until(receipt, "sent")
    # The mail server that takes the letter is no part of ours.
    return Journey(calls=tuple(call for call in tracing.calls() if _service_of(call) != "inbox"))


def _wait_until_silent(tracing: Tracing) -> None:
    known = -1

    def nothing_new() -> bool:
        nonlocal known
        before, known = known, tracing.file.stat().st_size
        return known == before

    eventually(nothing_new, every=0.2)


def _service_of(call: Call) -> str:
    return call.program.rpartition("-")[0]


def _step_of(call: Call) -> Step:
    return next(step for step in _CLAIMS if step.has(call))


def _is_below(name: str, root: str) -> bool:
    return name == root or name.startswith((f"{root}.", f"{root}:"))


def _limited(birth: Callable[..., Child]) -> Callable[..., Child]:
    """With the limits that are usual, which tests switch off."""

    def born(program: Program, *, log: Path) -> Child:
        usual = {name: value for name, value in program.environment.items() if name not in NO_LIMITS}
        return birth(replace(program, environment=usual), log=log)

    return born


def _count(modules: Sequence[str]) -> str:
    packages = dict.fromkeys(sorted(PACKAGES), 0)
    for module in modules:
        packages[module.partition(".")[0]] += 1
    shares = ", ".join(f"{package} {number}" for package, number in packages.items() if number)
    return f"{len(modules)} modules ({shares})"

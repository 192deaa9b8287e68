"""What `make journey` prints: the way of a letter, as it was seen and not as somebody remembers it."""

from collections.abc import Sequence

from support.first_calls import Call
from support.letter_journey import INBOX, PACKAGES, REPORT, SMTP, STEPS, WORKER, send_one_letter, trace
from support.services import Services


def test_a_letter_passes_every_step_and_is_claimed_before_it_is_sent_and_sent_before_it_is_reported(
    services: Services,
) -> None:
    tracing = trace(services)
    services.start_journey()
    assert tracing.calls() == []

    journey = send_one_letter(services, tracing)

    steps = {step.title: journey.of(step) for step in STEPS}
    assert [title for title, calls in steps.items() if not calls] == []
    assert modules(steps[SMTP.title]) >= {"mailer_service.smtp.transport", "mailer_service.smtp.wire"}
    assert "auth_service.db.reports" in modules(steps[INBOX.title])

    order = [
        first(steps[WORKER.title], "mailer_service.worker.pipeline"),
        first(steps[WORKER.title], "mailer_service.delivery.ledger"),
        first(steps[SMTP.title], "mailer_service.smtp"),
        first(steps[REPORT.title], "mailer_service.reports"),
    ]
    assert order == sorted(order)

    names = {(call.module, call.function) for call in journey.calls}
    assert {module.partition(".")[0] for module, _ in names} == PACKAGES
    assert [function for _, function in names if "<" in function] == []
    *_, total = journey.told()
    assert total.startswith(f"in all: {len({module for module, _ in names})} modules")


def modules(calls: Sequence[Call]) -> set[str]:
    return {call.module for call in calls}


def first(calls: Sequence[Call], module: str) -> float:
    return next(call.at for call in calls if call.module.startswith(module))

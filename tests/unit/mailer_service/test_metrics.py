"""What a replica counts, as Prometheus reads it."""

from datetime import timedelta

from mail_contract.letters import LetterClass
from mailer_service.delivery.outcome import Dead, Outcome, Sent, TryLater
from mailer_service.metrics import Metrics


def attempted(metrics: Metrics, outcome: Outcome, *, letter_class: LetterClass, age: float) -> None:
    metrics.attempted(letter_class, outcome, seconds=0.02, since_creation=timedelta(seconds=age))


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_attempts_are_counted_by_outcome_and_class_and_only_acceptance_counts_as_arrival() -> None:
    metrics = Metrics()
    for outcome in (Sent(), Sent(), TryLater(reason="4.2.0"), Dead(reason="5.1.1")):
        attempted(metrics, outcome, letter_class=LetterClass.URGENT, age=0.4)
    attempted(metrics, Sent(), letter_class=LetterClass.BULK, age=3000)
    assert value(metrics, "mailer_letters_total", outcome="sent", letter_class="urgent") == 2
    assert value(metrics, "mailer_letters_total", outcome="try_later", letter_class="urgent") == 1
    assert value(metrics, "mailer_letters_total", outcome="dead", letter_class="urgent") == 1
    assert value(metrics, "mailer_attempt_seconds_count", letter_class="urgent") == 4
    assert value(metrics, "mailer_acceptance_seconds_count", letter_class="urgent") == 2
    assert value(metrics, "mailer_acceptance_seconds_bucket", letter_class="urgent", le="0.5") == 2
    assert value(metrics, "mailer_acceptance_seconds_bucket", letter_class="bulk", le="1800.0") == 0
    assert value(metrics, "mailer_acceptance_seconds_count", letter_class="standard") == 0


def test_a_letter_from_the_future_was_accepted_at_once() -> None:
    metrics = Metrics()
    attempted(metrics, Sent(), letter_class=LetterClass.URGENT, age=-60)
    assert value(metrics, "mailer_acceptance_seconds_sum", letter_class="urgent") == 0


def test_messages_in_hand_go_up_and_down() -> None:
    metrics = Metrics()
    metrics.taken()
    metrics.taken()
    metrics.settled("sent")
    assert value(metrics, "mailer_in_hand") == 1
    assert value(metrics, "mailer_messages_total", result="sent") == 1


def test_providers_and_what_was_put_off_are_known_by_closed_sets() -> None:
    metrics = Metrics()
    metrics.provider("mail.example:25", up=False, connections=3)
    metrics.paused(True)
    metrics.put_off("no_provider")
    assert value(metrics, "mailer_provider_up", provider="mail.example:25") == 0
    assert value(metrics, "mailer_provider_connections", provider="mail.example:25") == 3
    assert value(metrics, "mailer_paused") == 1
    assert value(metrics, "mailer_put_off_total", reason="no_provider") == 1


def test_no_label_says_who_a_letter_is_for() -> None:
    labels = {label for family in Metrics().registry.collect() for s in family.samples for label in s.labels}
    assert labels <= {
        "outcome",
        "class",
        "letter_class",
        "result",
        "le",
        "concern",
        "scope",
        "provider",
        "reason",
        "service",
        "version",
        "python",
    }

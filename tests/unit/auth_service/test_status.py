"""How auth-service's processes without HTTP of their own say how they are, by a clock that the test turns."""

from auth_service.db.reports import Recorded
from auth_service.maintenance.beat_status import BeatStatus
from auth_service.relay.status import RelayStatus
from auth_service.worker_status import WorkerStatus
from mail_contract.messages import ReportedState
from mail_contract.tasks import PURGE_TOKENS
from mail_contract.topology import AUTH_REPORTS
from support.clock import Clock


def test_a_relay_is_ready_once_it_has_both_servers_and_alive_without_them() -> None:
    status = RelayStatus(lease_seconds=30, clock=Clock())
    assert set(status.not_ready()) == {"broker", "database"}
    assert status.complaint() is None
    status.broker(connected=True)
    status.database(answers=True)
    assert status.not_ready() == {}
    status.database(answers=False)
    assert set(status.not_ready()) == {"database"}


def test_a_relay_that_does_not_turn_for_longer_than_its_lease_and_a_minute_is_stuck() -> None:
    clock = Clock()
    status = RelayStatus(lease_seconds=30, clock=clock)
    clock.forward(90)
    assert status.complaint() is None
    clock.forward(1)
    assert "has not turned" in (status.complaint() or "")
    status.turned()
    assert status.complaint() is None


def test_a_relay_counts_what_left_what_did_not_and_what_need_not() -> None:
    status = RelayStatus(lease_seconds=30)
    status.published(3)
    status.refused(["nacked", "nacked", "unanswered"])
    status.dropped(expired=1, moot=2)
    value = status.registry.get_sample_value
    assert value("auth_relay_published_total") == 3
    assert value("auth_relay_refused_total", {"reason": "nacked"}) == 2
    assert value("auth_relay_dropped_total", {"reason": "moot"}) == 2
    assert value("auth_relay_connected") == 0


def test_a_worker_counts_reports_and_says_when_scheduled_work_was_done() -> None:
    status = WorkerStatus([AUTH_REPORTS], clock=Clock(), now=lambda: 1000.0)
    status.reported(ReportedState.SENT, Recorded.MOVED)
    status.maintained(PURGE_TOKENS, 7)
    status.consuming([AUTH_REPORTS])
    value = status.registry.get_sample_value
    assert value("auth_reports_total", {"state": "sent", "result": "moved"}) == 1
    assert value("auth_reports_total", {"state": "failed", "result": "moved"}) == 0
    assert value("auth_maintenance_rows_total", {"task": PURGE_TOKENS}) == 7
    assert value("auth_maintenance_finished_timestamp_seconds", {"task": PURGE_TOKENS}) == 1000
    assert value("auth_worker_consuming", {"queue": AUTH_REPORTS}) == 1


def test_a_worker_whose_consumer_does_not_turn_for_a_minute_is_stuck() -> None:
    clock = Clock()
    status = WorkerStatus([AUTH_REPORTS], clock=clock)
    clock.forward(61)
    assert "has not turned" in (status.complaint() or "")
    status.heartbeat.beat()
    assert status.complaint() is None
    assert status.not_ready() == {"broker": "not connected"}


def test_beat_says_when_it_ticked_and_whether_its_last_word_was_heard() -> None:
    clock = Clock()
    status = BeatStatus(clock=clock, now=lambda: 1000.0)
    status.ticked()
    assert status.registry.get_sample_value("auth_beat_last_tick_timestamp_seconds") == 1000
    status.asked(PURGE_TOKENS, taken=False)
    assert status.not_ready()
    status.asked(PURGE_TOKENS, taken=True)
    assert status.not_ready() == {}
    labels = {"task": PURGE_TOKENS, "result": "failed"}
    assert status.registry.get_sample_value("auth_beat_asked_total", labels) == 1
    clock.forward(901)
    assert "has not ticked" in (status.complaint() or "")

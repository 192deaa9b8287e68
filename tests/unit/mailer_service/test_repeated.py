"""What would be said of every letter is said a few times, and then how often it was not."""

from mailer_service.repeated import Repeated


def test_the_same_is_said_three_times_a_minute_and_then_how_often_it_was_not() -> None:
    now = 0.0
    repeated = Repeated(clock=lambda: now)
    assert [repeated.unsaid("refused") for _ in range(5)] == [0, 0, 0, None, None]
    assert repeated.unsaid("something else") == 0
    now = 60.0
    assert [repeated.unsaid("refused") for _ in range(4)] == [2, 0, 0, None]
    now = 120.0
    assert repeated.unsaid("refused") == 1

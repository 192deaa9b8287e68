"""A clock that a test turns."""


class Clock:
    """Seconds, from zero; called as `time.monotonic` is."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def forward(self, seconds: float) -> None:
        self._now += seconds

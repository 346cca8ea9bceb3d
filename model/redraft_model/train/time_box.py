"""The time box of one call: when to stop so that a last evaluation and saving still fit in."""

import time


class TimeBox:
    """Counts from its making. `None` minutes never end."""

    def __init__(self, minutes: float | None) -> None:
        self._started = time.perf_counter()
        self._seconds = None if minutes is None else minutes * 60

    @property
    def seconds(self) -> float:
        """Seconds since the box was made."""
        return time.perf_counter() - self._started

    def has_room_for(self, seconds: float) -> bool:
        """Whether something that takes that long would end inside the box."""
        return self._seconds is None or self.seconds + seconds <= self._seconds

"""How often somebody may call: a bucket of calls for each caller, which fills up again by the second."""

import math
import time
from collections.abc import Callable
from typing import Final

_MOST_CALLERS: Final = 50_000


class TooManyRequests(Exception):  # noqa: N818 - reads as the answer it is
    """A caller's bucket is empty; ``seconds`` is when the next call may come."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests; wait {seconds} s and go on more slowly")
        self.seconds = seconds


class Limit[Caller]:
    """At most ``per_second`` calls of each caller for long, and ``burst`` at once. 0 per second: no limit."""

    def __init__(self, per_second: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._buckets: dict[Caller, tuple[float, float]] = {}  # what was left, and when

    def take(self, caller: Caller) -> None:
        """Take one call out of the caller's bucket; raises `TooManyRequests`."""
        if not self._per_second:
            return
        now = self._now()
        left, at = self._buckets.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        if left < 1:
            raise TooManyRequests(math.ceil((1 - left) / self._per_second))
        if len(self._buckets) >= _MOST_CALLERS:
            self._forget(now)
        self._buckets[caller] = (left - 1, now)

    def _forget(self, now: float) -> None:
        """Forget whose bucket is full again: they would begin with a full one anyway."""
        full = self._burst
        self._buckets = {
            caller: (left, at)
            for caller, (left, at) in self._buckets.items()
            if left + (now - at) * self._per_second < full
        }

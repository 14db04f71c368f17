"""How long to wait before trying again: doubling, capped, with jitter so that many edges do not knock at once."""

from collections.abc import Callable
from secrets import SystemRandom
from typing import Final

_FIRST_SECONDS: Final = 0.2
_LAST_SECONDS: Final = 3.0


class Backoff:
    """Waiting times in real seconds. ``random`` returns numbers in ``[0, 1)``; None takes the system's."""

    def __init__(
        self,
        first: float | None = None,
        last: float | None = None,
        random: Callable[[], float] | None = None,
    ) -> None:
        self._first = _FIRST_SECONDS if first is None else first
        self._last = _LAST_SECONDS if last is None else last
        self._random = random or SystemRandom().random
        self._next = self._first

    def reset(self) -> None:
        """Begin again with the shortest time, after a success."""
        self._next = self._first

    def seconds(self) -> float:
        """Return the next waiting time: between half and all of what has been reached by doubling."""
        reached = self._next
        self._next = min(self._next * 2, self._last)
        return reached * (0.5 + 0.5 * self._random())

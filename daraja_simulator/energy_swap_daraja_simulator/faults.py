"""Failures that can be armed by name, each to happen a given number of times."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from aiohttp import web

FAULTS: Final[Mapping[str, str]] = {
    "F01": "the answer to an STK push is lost after the push was accepted",
    "F02": "an STK callback never comes",
    "F04": "an STK callback comes twice",
    "F17": "the answer to a B2C request is lost after the request was accepted",
    "F18": "a B2C result never comes",
}


class Faults:
    """What will go wrong next."""

    def __init__(self) -> None:
        self._armed: Counter[str] = Counter()

    def arm(self, fault: str, times: int = 1) -> None:
        """Let ``fault`` happen ``times`` times more. An unknown name raises `ValueError`."""
        if fault not in FAULTS:
            raise ValueError(f"there is no fault {fault}; known: {', '.join(FAULTS)}")
        self._armed[fault] += times

    def happens(self, fault: str) -> bool:
        """Return whether it happens now, and use it up."""
        if not self._armed[fault]:
            return False
        self._armed[fault] -= 1
        return True

    def armed(self) -> dict[str, int]:
        """Return what is still to happen."""
        return {fault: times for fault, times in self._armed.items() if times}


def lose_answer(request: web.Request) -> None:
    """Cut the connection: the caller never learns what became of its request."""
    if request.transport is not None:
        request.transport.abort()

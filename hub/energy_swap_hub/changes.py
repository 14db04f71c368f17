"""Tell waiting pages and edges that something changed, without saying what: they read it for themselves."""

import asyncio
import contextlib


class Changes:
    """A counter that any thread may raise and any number of tasks may wait on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._next = self._loop.create_future()

    @property
    def count(self) -> int:
        """How many changes there were."""
        return self._count

    def mark(self) -> None:
        """Wake everyone who waits; safe from any thread."""
        self._loop.call_soon_threadsafe(self._mark)

    def _mark(self) -> None:
        self._count += 1
        woken, self._next = self._next, self._loop.create_future()
        woken.set_result(None)

    async def after(self, count: int, seconds: float) -> int:
        """Wait until there were more than ``count`` changes, at most ``seconds``; return how many."""
        if self._count <= count:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._next), seconds)
        return self._count

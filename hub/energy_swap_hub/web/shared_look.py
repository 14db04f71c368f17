"""A look at the database that shows everybody the same: who waits while another one is taken shares the next."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

_APART_SECONDS: Final = 0.02  # looks begin, so that more share one


class SharedLook[T]:
    """Takes one look at a time; who asks is told what one that began afterwards has found."""

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None  # it has not begun
        self._begun = 0.0  # when the last one did, by the loop's clock

    async def take(self) -> T:
        """Return what the look finds; raises what it raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._under_way))
        return await asyncio.shield(self._next)  # who gives up does not take it from the others

    async def _after(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        loop = asyncio.get_running_loop()
        if (early := self._begun + _APART_SECONDS - loop.time()) > 0:
            await asyncio.sleep(early)
        self._begun = loop.time()
        self._under_way, self._next = self._next, None
        return await self._look()

"""A look at the database that shows everybody the same: who waits while another one is taken shares the next."""

import asyncio
from collections.abc import Awaitable, Callable


class SharedLook[T]:
    """Takes one look at a time; who asks is told what one that began afterwards has found."""

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None  # it has not begun

    async def take(self) -> T:
        """Return what the look finds; raises what it raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._under_way))
        return await asyncio.shield(self._next)  # who gives up does not take it from the others

    async def _after(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._under_way, self._next = self._next, None
        return await self._look()

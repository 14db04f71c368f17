"""WebSockets that only push: open until the page or edge leaves, or the hub stops."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import WSCloseCode, web

OPEN_SOCKETS: Final = web.AppKey("open_sockets", set[web.WebSocketResponse])


class Push:
    """One open socket to somebody who listens."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._reader = asyncio.create_task(self._drain())

    @property
    def is_open(self) -> bool:
        """Whether somebody still listens."""
        return not self._reader.done()

    async def send(self, text: str) -> None:
        """Send ``text``; raises `ConnectionResetError` when nobody listens any more."""
        await self._socket.send_str(text)

    async def wait(self, seconds: float) -> None:
        """Let ``seconds`` pass, or less when the listener leaves."""
        await asyncio.wait({self._reader}, timeout=seconds)

    async def wait_for(self, news: Coroutine[Any, Any, Any]) -> None:
        """Wait until ``news`` is over or the listener leaves."""
        waiting = asyncio.create_task(news)
        try:
            await asyncio.wait({self._reader, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def close(self) -> None:
        """Say good-bye."""
        self._reader.cancel()
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    async def _drain(self) -> None:
        async for _ in self._socket:
            pass


@asynccontextmanager
async def pushing(request: web.Request, response: web.WebSocketResponse) -> AsyncIterator[Push]:
    """Upgrade ``request`` and push within the context; a listener that goes away just ends it."""
    await response.prepare(request)
    sockets = request.app[OPEN_SOCKETS]
    sockets.add(response)
    push = Push(response)
    try:
        yield push
    except ConnectionResetError:
        pass  # the page was closed, or the edge went away and will come back
    finally:
        sockets.discard(response)
        await push.close()


async def close_sockets(app: web.Application) -> None:
    """Let all listeners go, so that a hub which stops does not wait for them."""
    sockets = app[OPEN_SOCKETS]
    for socket in list(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY)

"""A localnet at work: one thread that owns the chain, slots that pass, and a client without a socket."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

import httpx2
from solana.rpc.async_api import AsyncClient

from .chain import Clock, Localnet
from .rpc import answer

SLOT_SECONDS: Final = 0.4


class LocalnetService:
    """A localnet on a thread of its own, so that its disk never holds up the event loop."""

    def __init__(self, localnet: Localnet, thread: ThreadPoolExecutor) -> None:
        self._localnet = localnet
        self._thread = thread

    @classmethod
    async def open(cls, path: Path | None, clock: Clock) -> Self:
        """Open the chain in the file at ``path`` (``None``: in memory)."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="localnet")
        try:
            localnet = await asyncio.get_running_loop().run_in_executor(thread, Localnet, path, clock)
        except BaseException:
            thread.shutdown()
            raise
        return cls(localnet, thread)

    async def call(self, body: bytes) -> bytes:
        """Answer one JSON-RPC body."""
        return await self._run(lambda: answer(self._localnet, body))

    async def tick(self, slots: int = 1) -> None:
        """Let ``slots`` slots pass at once."""

        def pass_slots() -> None:
            for _ in range(slots):
                self._localnet.tick()

        await self._run(pass_slots)

    async def run_slots(self, seconds: float = SLOT_SECONDS) -> None:
        """Let a slot pass every ``seconds`` of real time, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.tick()

    async def close(self) -> None:
        """Close the chain after what is under way."""
        await self._run(self._localnet.close)
        self._thread.shutdown()

    def client(self) -> AsyncClient:
        """Return a Solana client that talks to this chain in memory."""

        async def handle(request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(
                200, content=await self.call(request.content), headers={"Content-Type": "application/json"}
            )

        client = AsyncClient("http://localnet", max_transport_retries=0)
        # The one place where solana-py takes a transport of ours; nothing has been opened yet on the old one.
        client._provider.session = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))  # noqa: SLF001
        return client

    async def _run[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

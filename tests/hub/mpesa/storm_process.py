"""The hub in a process of its own: forked, asked, and killed with SIGKILL; it reads a clock that is set here."""

import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession, TCPConnector
from energy_swap_daraja_simulator import Simulator
from energy_swap_demo.broker import free_port

_PROGRAM: Final = Path(__file__).with_name("storm_hub.py")


class HubProcess:
    """One hub at a time; what outlives it is the database. ``order`` is completed and handed to each."""

    nursery: asyncio.subprocess.Process
    session: ClientSession

    def __init__(self, folder: Path, simulator: Simulator, order: dict[str, Any]) -> None:
        self.pid: int | None = None
        self.certificate_pem = b""  # as the living hub knows it
        self._simulator = simulator
        self._certificate = folder / "certificate"
        self._clock = folder / "clock"
        self._port = free_port()
        self._order = {
            **order,
            "clock": str(self._clock),
            "certificate": str(self._certificate),
            "port": self._port,
        }

    def set_clock(self, now: datetime) -> None:
        """Tell the hub the time."""
        self._clock_file.seek(0)
        self._clock_file.write(struct.pack("d", now.timestamp()))

    @asynccontextmanager
    async def living(self, base_url: str) -> AsyncIterator[None]:
        """Have hubs that find M-Pesa at ``base_url``; at the end none lives."""
        urls = {"base_url": base_url, "callback_base_url": f"http://127.0.0.1:{self._port}"}
        self._order["config"] = {**self._order["config"], **urls}
        self.nursery = await asyncio.create_subprocess_exec(
            sys.executable, _PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert self.nursery.stdin is not None
        try:
            with self._clock.open("wb", buffering=0) as self._clock_file:
                async with ClientSession(connector=TCPConnector(force_close=True)) as self.session:
                    yield
        finally:
            if self.pid is not None:
                os.kill(self.pid, signal.SIGKILL)
            self.nursery.stdin.close()
            await self.nursery.wait()

    async def start(self) -> None:
        """Fork a hub and wait until it answers."""
        self.certificate_pem = self._simulator.certificate_pem
        self._certificate.write_bytes(self.certificate_pem)
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(json.dumps(self._order).encode() + b"\n")
        self.pid = int(await self.nursery.stdout.readline())
        for _ in range(2_000):
            if await self.ask("GET", "open") is not None:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the hub does not answer")

    async def kill(self) -> None:
        """Kill the hub as the kernel does when memory is short: nothing is tidied up."""
        assert self.pid is not None
        assert self.nursery.stdout is not None
        os.kill(self.pid, signal.SIGKILL)
        status = int(await self.nursery.stdout.readline())
        assert status == -signal.SIGKILL, f"the hub ended by itself with {status}"
        self.pid = None

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the hub; None: no answer."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            url = f"http://127.0.0.1:{self._port}/storm/{path}"
            async with self.session.request(method, url, data=data) as response:
                assert response.status == 200, await response.text()
                return await response.json()
        except ClientError, OSError:
            return None

"""Speak with an edge as Home Assistant does: pair once, then read its state and give commands."""

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Self

import aiohttp


class CommandRefusedError(RuntimeError):
    """An edge refused a command; the text is the edge's, ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


async def pair(session: aiohttp.ClientSession, url: str, code: str) -> str:
    """Return a token for the edge at ``url``, paired with the ``code`` that its owner reads."""
    async with session.post(f"{url}/api/v1/pair", json={"code": code, "client": "demo"}) as response:
        body = await response.json()
        if response.status != 200:
            raise CommandRefusedError(body["code"], body["message"])
        return str(body["token"])


class EdgeClient:
    """One edge's WebSocket; use as a context manager."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = url
        self._token = token
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last_id = 0
        self.state: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._token}"}
        self._socket = await self._session.ws_connect(f"{self._url}/api/v1/ws", headers=headers, heartbeat=20)
        self._has_state = asyncio.Event()
        self._reader = asyncio.create_task(self._read())
        await self._has_state.wait()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._socket.close()

    async def command(self, name: str, **data: Any) -> dict[str, Any]:
        """Give a command and return the hub's answer; raise `CommandRefusedError`."""
        self._last_id += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._last_id] = future
        await self._socket.send_json({"type": "command", "id": self._last_id, "command": name, "data": data})
        answer = await asyncio.wait_for(future, 240)
        if not answer["ok"]:
            raise CommandRefusedError(answer["error"]["code"], answer["error"]["message"])
        return dict(answer["result"])

    async def _read(self) -> None:
        async for message in self._socket:
            body = message.json()
            if body["type"] in {"snapshot", "change"}:
                self.state.update(body["state"])
                self._has_state.set()
            elif body["type"] == "result" and (future := self._waiting.pop(body["id"], None)):
                future.set_result(body)

"""Peers that misbehave: a hub that answers nonsense, and a broker's door that knows MQTT 3.1.1 only."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import msgspec
from aiohttp import web
from energy_swap_demo.broker import free_port

_DEEP = b"[" * 200_000
_BIG = str(10**40)


class HostileHub:
    """Answers every request with something that no hub would answer, drawn from ``seed``."""

    def __init__(self, port: int, seed: int, honest: Callable[[], dict[str, object]]) -> None:
        self._port = port
        self._random = random.Random(seed)
        self._honest = honest
        self._runner: web.AppRunner | None = None
        self.requests = 0

    async def start(self) -> None:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        await request.read()
        if "Upgrade" in request.headers and self._random.random() < 0.7:
            return await self._babble(request)
        honest = msgspec.json.encode(self._twisted())
        body = self._random.choice([
            b"", b"\xff\xfe\x00", b"null", b"[]", b"{}", b'"x"', _DEEP, b'{"results":' + _DEEP, honest,
            honest[:-7],
            b'{"results":[]}', b'{"results":[{"status":"accepted"}]}', b'{"notifications":[{"number":"1"}]}',
            f'{{"notifications":[{{"number":{_BIG},"event":"x","at":{_BIG}}}]}}'.encode(),
            f'{{"period_minutes":30,"periods":[{{"start":{_BIG}}}]}}'.encode(),
            b'{"period_minutes":0,"periods":[]}', b'{"mint":"x","escrow":"","hub":5,"blockhash":null}',
            b'{"type":1,"title":[],"detail":{}}', b"x" * 100_000,
        ])  # fmt: skip
        status = self._random.choice([200, 200, 200, 200, 201, 302, 400, 404, 409, 413, 429, 500, 503])
        if self._random.random() < 0.1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status, body=body, content_type="application/json")

    async def _babble(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with suppress(ConnectionError):
            for _ in range(3):
                honest = msgspec.json.encode(self._twisted()).decode()
                await socket.send_str(self._random.choice(["", "{", "[]", _DEEP.decode(), honest, honest[:50]]))
                await socket.send_bytes(b"\x00\xff")
        await socket.close()
        return socket

    def _twisted(self) -> dict[str, object]:
        """A household's state in which some values are not what they should be."""
        state = self._honest() | {"status": "admitted"}
        nonsense: list[object] = [
            None,
            -1,
            10**18,
            2**63,
            10**30,
            "x",
            [],
            {},
            [[]],
            True,
            1.5,
            {"kes_cents": "x"},
        ]
        for name in self._random.sample(sorted(state), 4):
            state[name] = self._random.choice(nonsense)
        return state


class OldDoor:
    """A door to a broker that answers MQTT 5 as brokers did before there was one."""

    def __init__(self, broker_port: int) -> None:
        self.port = free_port()
        self.turned_away = 0
        self._broker_port = broker_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(65_536)
        level = first[first.index(b"MQTT") + 4]
        if level > 4:
            self.turned_away += 1
            writer.write(b"\x20\x02\x00\x01")  # CONNACK: unacceptable protocol version
            await writer.drain()
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        inner_writer.write(first)
        loop = asyncio.get_running_loop()
        for pair in ((reader, inner_writer), (inner_reader, writer)):
            task = loop.create_task(_pump(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()

"""The local API server: who this edge is, pairing, the WebSocket of state and commands, and what can be read."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any, Final

import msgspec
from aiohttp import web

from energy_swap_edge.events import EventLog
from energy_swap_edge.state import LiveState

from .connection import CarryOut, Connection
from .pairing import Pairing, TooManyAttempts, WrongCode
from .reads import Reads, answer, failure

_LOGGER = logging.getLogger(__name__)
API_VERSION: Final = 1
_MAX_BODY_BYTES: Final = 4096
_MAX_MESSAGE_BYTES: Final = 65_536
_HEARTBEAT_SECONDS: Final = 20.0
# Changes that come closer together than this travel in one message.
_GATHER_SECONDS: Final = 0.1


type _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _PairRequest(msgspec.Struct, frozen=True):
    code: str
    client: str = "unnamed"


class LocalApi:
    """The API of one edge. ``edge_id`` and ``name`` are what Home Assistant shows; ``time_zone`` is its days'."""

    def __init__(
        self,
        *,
        edge_id: str,
        name: str,
        time_zone: str,
        pairing: Pairing,
        carry_out: CarryOut,
        state: LiveState,
        events: EventLog,
        reads: Reads,
    ) -> None:
        self._edge_id = edge_id
        self._name = name
        self._time_zone = time_zone
        self._pairing = pairing
        self._carry_out = carry_out
        self._events = events
        self._reads = reads
        events.listeners.append(self._tell)
        self._state = state
        self._connections: set[Connection] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; raises `OSError` when it is taken."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_get("/api/v1/info", self._info)
        app.router.add_post("/api/v1/pair", self._pair)
        app.router.add_get("/api/v1/ws", self._websocket)
        for path, handler in self._reads.routes().items():
            app.router.add_get(path, self._for_paired(handler))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Say good-bye to all clients and stop listening."""
        for connection in list(self._connections):
            await connection.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def publish_changes(self) -> None:
        """Send every change of the state to every client, for ever; each change is encoded once."""
        while True:
            change = await self._state.next_change()
            if self._connections:
                text = msgspec.json.encode({"type": "change", "state": change}).decode()
                for connection in self._connections:
                    connection.send(text)
            await asyncio.sleep(_GATHER_SECONDS)

    def _tell(self, _event: dict[str, Any]) -> None:
        for connection in self._connections:
            connection.has_news()

    @property
    def connected_clients(self) -> set[str]:
        """The ids of the paired clients that are connected now."""
        return {connection.client for connection in self._connections}

    async def turn_out(self, client_id: str) -> None:
        """Disconnect a client whose token counts no more."""
        for connection in [one for one in self._connections if one.client == client_id]:
            await connection.turn_out()

    async def _client_of(self, request: web.Request) -> str | None:
        """Return which paired client asks; None for anybody else."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        client = self._pairing.client_of(token) if scheme.lower() == "bearer" else None
        if client is not None:
            await self._pairing.see(client)
        return client

    def _for_paired(self, handler: _Handler) -> _Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if await self._client_of(request) is None:
                return _not_paired()
            try:
                return await handler(request)
            except Exception as error:
                known = failure(error)
                if known is None:
                    raise
                return known

        return serve

    def _identity(self) -> dict[str, Any]:
        return {
            "api_version": API_VERSION,
            "edge_version": version("energy-swap-edge"),
            "edge_id": self._edge_id,
            "name": self._name,
            "time_zone": self._time_zone,
        }

    async def _info(self, _request: web.Request) -> web.Response:
        return answer(200, self._identity())

    async def _pair(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=_PairRequest)
        except msgspec.DecodeError as error:
            return answer(400, {"code": "invalid_request", "message": str(error)})
        try:
            token = await self._pairing.pair(asked.code, asked.client)
        except WrongCode as error:
            return answer(403, {"code": "wrong_code", "message": str(error)})
        except TooManyAttempts as error:
            headers = {"Retry-After": str(error.retry_after)}
            return answer(429, {"code": "too_many_attempts", "message": str(error)}, headers)
        return answer(200, {"token": token, "edge_id": self._edge_id, "name": self._name})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        client = await self._client_of(request)
        if client is None:
            return _not_paired()
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS, max_msg_size=_MAX_MESSAGE_BYTES)
        await socket.prepare(request)
        connection = Connection(client, socket, self._carry_out, self._events, await self._events.last())
        for message in (
            {"type": "hello", **self._identity()},
            {"type": "snapshot", "state": self._state.snapshot()},
        ):
            connection.send(msgspec.json.encode(message).decode())
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            await self._pairing.see(client, is_leaving=True)
        return socket


def _not_paired() -> web.Response:
    return answer(401, {"code": "not_paired", "message": "pair again: this token is not known"})

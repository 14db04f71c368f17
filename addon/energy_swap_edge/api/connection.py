"""One Home Assistant's WebSocket: a bounded queue and one writer, so that a slow client hurts only itself."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from energy_swap_edge.command_error import CommandError
from energy_swap_edge.events import EventLog

_LOGGER = logging.getLogger(__name__)
_QUEUE: Final = 64
_MAX_COMMANDS: Final = 8

type CarryOut = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class _Command(msgspec.Struct, frozen=True):
    """A message of a client; fields that are unknown here are ignored."""

    type: str
    id: int = 0
    command: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Connection:
    """A paired client that is connected now; ``connected_at`` is the number of the last event before that."""

    def __init__(
        self,
        client: str,
        socket: web.WebSocketResponse,
        carry_out: CarryOut,
        events: EventLog,
        connected_at: int,
    ) -> None:
        self.client = client
        self._socket = socket
        self._carry_out = carry_out
        self._events = events
        self._connected_at = connected_at
        self._has_told_before = False
        self._news = asyncio.Event()
        self._queue: asyncio.Queue[str] = asyncio.Queue(_QUEUE)
        self._commands: set[asyncio.Task[None]] = set()
        self._too_slow = asyncio.Event()

    def send(self, text: str) -> None:
        """Queue a message; a client that does not keep up is disconnected and finds everything new on return."""
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self._too_slow.set()

    def has_news(self) -> None:
        """Say that there are new events."""
        self._news.set()

    async def run(self) -> None:
        """Serve until the client leaves."""
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._write()),
                group.create_task(self._drop_when_slow()),
                group.create_task(self._tell_news()),
            ]
            try:
                async for message in self._socket:
                    if message.type is WSMsgType.TEXT:
                        self._take(message.data)
            finally:
                for task in (*helpers, *self._commands):
                    task.cancel()

    async def close(self) -> None:
        """Say good-bye."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the edge stops")

    async def turn_out(self) -> None:
        """End it: its client's token counts no more."""
        await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not paired any more")

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send_str(await self._queue.get())
        except ConnectionError:
            return  # the reader notices by itself that the client is gone

    async def _drop_when_slow(self) -> None:
        await self._too_slow.wait()
        _LOGGER.warning("a client reads too slowly and is disconnected")
        await self._socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow")

    def _take(self, text: str) -> None:
        try:
            asked = msgspec.json.decode(text, type=_Command)
        except (msgspec.DecodeError, RecursionError) as error:
            self.send(_failure(0, "invalid_message", str(error)))
            return
        if asked.type == "events_after":
            self._start(self._tell_after(asked.id))
        elif asked.type == "command":
            self._take_command(asked)

    def _take_command(self, asked: _Command) -> None:
        if len(self._commands) >= _MAX_COMMANDS:
            self.send(_failure(asked.id, "busy", "too many commands at once; wait for their results"))
            return
        self._start(self._answer(asked))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    async def _tell_news(self) -> None:
        """Tell what happens from now on, as fast as the client reads."""
        seen = self._connected_at
        while True:
            self._news.clear()
            seen = await self._tell(seen, None)
            await self._news.wait()

    async def _tell_after(self, event_id: int) -> None:
        """Tell what happened after the last event that the client has seen and before it connected, once."""
        if not self._has_told_before:
            self._has_told_before = True
            await self._tell(event_id, self._connected_at)

    async def _tell(self, seen: int, until: int | None) -> int:
        """Tell the events after number ``seen``, up to ``until``; return the last one's number."""
        try:
            while events := await self._events.after(seen):
                for event in events:
                    if until is not None and event["id"] > until:
                        return seen
                    await self._queue.put(_text({"type": "event", "event": event}))
                    seen = event["id"]
        except sqlite3.Error as error:
            _LOGGER.warning("events cannot be read: %s", error)
        return seen

    async def _answer(self, asked: _Command) -> None:
        try:
            result = await self._carry_out(asked.command, asked.data)
        except CommandError as error:
            self.send(_failure(asked.id, error.code, error.message, error.key, error.numbers))
        except Exception:
            _LOGGER.exception("command %s failed", asked.command)
            self.send(_failure(asked.id, "internal_error", "the edge failed; its log says more"))
        else:
            self.send(_text({"type": "result", "id": asked.id, "ok": True, "result": result}))


def _failure(
    command_id: int, code: str, message: str, key: str = "", numbers: Mapping[str, Any] | None = None
) -> str:
    error: dict[str, Any] = {"code": code, "message": message}
    if key:
        error |= {"key": key, "numbers": numbers or {}}
    return _text({"type": "result", "id": command_id, "ok": False, "error": error})


def _text(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()

"""One WebSocket to the edge: its state as it changes, what happened, and commands with their answers."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol, cast

import aiohttp

from .edge import CONNECT_SECONDS, EdgeAddress, EdgeInfo, info_of, json_object
from .errors import (
    AnswerLostError,
    CannotConnectError,
    CommandRefusedError,
    EdgeError,
    NotAnEdgeError,
    TokenRefusedError,
)
from .model import State

COMMAND_SECONDS = 30
PING_SECONDS = 10
SILENT_SECONDS = 25  # without a message or an answer to a ping the connection is lost
CLOSE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class EdgeEvent:
    """Something that happened, told once; ``at`` is Unix seconds."""

    id: int
    kind: str
    at: int
    data: Mapping[str, Any]


class Listener(Protocol):
    """Who is told what comes through the connection."""

    def take_state(self, state: State) -> None:
        """Take the whole state after a change."""

    def take_event(self, event: EdgeEvent) -> None:
        """Take an event."""


async def connect(session: aiohttp.ClientSession, address: EdgeAddress, token: str) -> EdgeConnection:
    """Open the WebSocket and wait for the first snapshot.

    Raises CannotConnectError, TokenRefusedError, NotAnEdgeError or UnsupportedVersionError.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            socket = await session.ws_connect(
                address.url("ws"),
                headers={"Authorization": f"Bearer {token}"},
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                autoping=False,  # so that `listen` sees the answers to its pings
            )
            try:
                info = info_of(json_object(await socket.receive_json()))
                snapshot = json_object(await socket.receive_json())
                if snapshot.get("type") != "snapshot":
                    raise NotAnEdgeError("the edge did not begin with a snapshot")
                return EdgeConnection(socket, info, cast("State", json_object(snapshot.get("state"))))
            except BaseException:
                await socket.close()
                raise
    except aiohttp.WSServerHandshakeError as err:
        if err.status == 401:
            raise TokenRefusedError from err
        raise CannotConnectError(f"{address} answered with status {err.status}") from err
    except (aiohttp.ClientError, TimeoutError, OSError) as err:
        raise CannotConnectError(str(err) or f"{address} does not answer") from err
    except (TypeError, ValueError) as err:  # a frame that is no text (the socket closed), or text that is no JSON
        raise CannotConnectError(f"{address} closed the connection before its first snapshot") from err


class EdgeConnection:
    """One open WebSocket to an edge."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, info: EdgeInfo, state: State) -> None:
        self.info = info
        self.state = state
        self._socket = socket
        self._heard_at = 0.0
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self, listener: Listener) -> None:
        """Tell ``listener`` each new state and event, until the connection ends; raises CannotConnectError."""
        # aiohttp's own heartbeat leaves a timer behind when a connection is closed.
        pinging = asyncio.create_task(self._ping())
        try:
            async for message in self._socket:
                self._heard_at = asyncio.get_running_loop().time()
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(json_object(message.json()), listener)
                elif message.type is aiohttp.WSMsgType.PING:
                    await self._socket.pong(message.data)
        except ValueError as err:
            raise CannotConnectError("the edge sent something that is not JSON") from err
        except (aiohttp.ClientError, OSError) as err:
            raise CannotConnectError("the connection to the edge was lost") from err
        finally:
            pinging.cancel()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(AnswerLostError("the connection to the edge was lost"))
            await self._socket.close()

    async def ask_for_events(self, after: int) -> None:
        """Have the edge send again what happened after the event with this id; raises CannotConnectError."""
        try:
            await self._socket.send_json({"type": "events_after", "id": after})
        except (aiohttp.ClientError, OSError) as err:
            raise CannotConnectError("the connection to the edge was lost") from err

    async def command(self, name: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Send a command and return the hub's answer; needs a running ``listen``.

        Raises CommandRefusedError with the reason, or AnswerLostError.
        """
        command_id = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[command_id] = answer
        try:
            await self._socket.send_json(
                {"type": "command", "id": command_id, "command": name, "data": dict(data)}
            )
            async with asyncio.timeout(COMMAND_SECONDS):
                return await answer
        except TimeoutError as err:
            raise AnswerLostError(f"the edge did not answer within {COMMAND_SECONDS} seconds") from err
        except (aiohttp.ClientError, OSError) as err:
            raise AnswerLostError("the connection to the edge was lost") from err
        finally:
            del self._answers[command_id]

    async def close(self) -> None:
        """End the connection; a running ``listen`` returns."""
        await self._socket.close()

    async def _ping(self) -> None:
        """Ask for a sign of life now and then; without one the connection is closed, and listening ends."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        with suppress(aiohttp.ClientError, OSError):
            while loop.time() - self._heard_at < SILENT_SECONDS:
                await asyncio.sleep(PING_SECONDS)
                await self._socket.ping()
        await self._socket.close()

    def _take(self, message: dict[str, Any], listener: Listener) -> None:
        match message.get("type"):
            case "snapshot":
                self.state = cast("State", json_object(message.get("state")))
                listener.take_state(self.state)
            case "change":
                self.state = cast("State", {**self.state, **json_object(message.get("state"))})
                listener.take_state(self.state)
            case "event":
                if (event := _event(json_object(message.get("event")))) is not None:
                    listener.take_event(event)
            case "result":
                answer = self._answers.get(message.get("id", 0))
                if answer is None or answer.done():
                    return
                if message.get("ok"):
                    answer.set_result(json_object(message.get("result")))
                else:
                    answer.set_exception(_refusal(json_object(message.get("error"))))


def _event(event: Mapping[str, Any]) -> EdgeEvent | None:
    match event:
        case {"id": int(number), "kind": str(kind), "at": int(at)}:
            data = event.get("data")
            return EdgeEvent(number, kind, at, data if isinstance(data, dict) else {})
    return None  # an event of the future, which this integration does not understand


def _refusal(error: Mapping[str, Any]) -> EdgeError:
    code, reason = str(error.get("code")), str(error.get("message"))
    if code == "no_answer":
        return AnswerLostError(reason)
    numbers = error.get("numbers")
    return CommandRefusedError(
        code, reason, str(error.get("key", "")), numbers if isinstance(numbers, dict) else {}
    )

"""A small client of the edge's local API: who it is, pairing, and one WebSocket of states and commands."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

import aiohttp
from yarl import URL

from .state import State

API_VERSION = 1
CONNECT_SECONDS = 10
COMMAND_SECONDS = 30
HEARTBEAT_SECONDS = 20


class EdgeError(Exception):
    """Something between us and the edge went wrong."""


class CannotConnectError(EdgeError):
    """Nothing answers at the address, or the connection broke."""


class NotAnEdgeError(EdgeError):
    """Something answers at the address, but it is no Energy Swap edge."""


class UnsupportedVersionError(EdgeError):
    """The edge speaks another version of the local API."""

    def __init__(self, api_version: int) -> None:
        super().__init__(f"the edge speaks version {api_version} of the local API, this integration {API_VERSION}")
        self.api_version = api_version


class WrongCodeError(EdgeError):
    """The edge does not know this pairing code."""


class TooManyAttemptsError(EdgeError):
    """The edge takes no more pairing codes for a few minutes."""


class TokenRefusedError(EdgeError):
    """The edge no longer knows our token; it has to be paired again."""


class CommandRefusedError(EdgeError):
    """The edge or the hub said no to a command, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AnswerLostError(EdgeError):
    """No answer to a command came: it may or may not have been carried out."""


@dataclass(frozen=True, slots=True)
class EdgeAddress:
    """Where an edge listens."""

    host: str
    port: int

    def url(self, path: str) -> URL:
        """Return the URL of a path of the local API; raises CannotConnectError if the host cannot be one."""
        try:
            return URL.build(scheme="http", host=self.host, port=self.port, path=f"/api/v1/{path}")
        except ValueError as err:
            raise CannotConnectError(f"{self.host!r} is not a host name") from err

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EdgeInfo:
    """Who an edge says it is."""

    edge_id: str
    name: str
    edge_version: str


async def read_info(session: aiohttp.ClientSession, address: EdgeAddress) -> EdgeInfo:
    """Ask an edge who it is. Raises CannotConnectError, NotAnEdgeError or UnsupportedVersionError."""
    status, body = await _request(session, "GET", address.url("info"))
    if status != 200:
        raise NotAnEdgeError(f"{address} answered with status {status}")
    return _info(body)


async def pair(session: aiohttp.ClientSession, address: EdgeAddress, code: str) -> tuple[str, str]:
    """Exchange a pairing code for ``(edge_id, token)``.

    Raises WrongCodeError, TooManyAttemptsError, CannotConnectError or NotAnEdgeError.
    """
    status, body = await _request(session, "POST", address.url("pair"), {"code": code, "client": "Home Assistant"})
    match status:
        case 200:
            try:
                return str(body["edge_id"]), str(body["token"])
            except KeyError as err:
                raise NotAnEdgeError(f"the answer to pairing has no {err}") from err
        case 403:
            raise WrongCodeError
        case 429:
            raise TooManyAttemptsError
    raise NotAnEdgeError(f"{address} answered with status {status}")


async def connect(session: aiohttp.ClientSession, address: EdgeAddress, token: str) -> EdgeConnection:
    """Open the WebSocket and wait for the first snapshot.

    Raises CannotConnectError, TokenRefusedError, NotAnEdgeError or UnsupportedVersionError.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            socket = await session.ws_connect(
                address.url("ws"),
                headers={"Authorization": f"Bearer {token}"},
                heartbeat=HEARTBEAT_SECONDS,
            )
            try:
                info = _info(_object(await socket.receive_json()))
                snapshot = _object(await socket.receive_json())
                if snapshot.get("type") != "snapshot":
                    raise NotAnEdgeError("the edge did not begin with a snapshot")
                return EdgeConnection(socket, info, cast("State", _object(snapshot.get("state"))))
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
    """One open WebSocket: the edge's state as it changes, and commands with their answers."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, info: EdgeInfo, state: State) -> None:
        self.info = info
        self.state = state
        self._socket = socket
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self, on_state: Callable[[State], None]) -> None:
        """Call ``on_state`` with the whole state after each change, until the connection ends."""
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(_object(message.json()), on_state)
        except ValueError as err:
            raise CannotConnectError("the edge sent something that is not JSON") from err
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(AnswerLostError("the connection to the edge was lost"))
            await self._socket.close()

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

    def _take(self, message: dict[str, Any], on_state: Callable[[State], None]) -> None:
        match message.get("type"):
            case "snapshot":
                self.state = cast("State", _object(message.get("state")))
                on_state(self.state)
            case "change":
                self.state = cast("State", {**self.state, **_object(message.get("state"))})
                on_state(self.state)
            case "result":
                answer = self._answers.get(message.get("id", 0))
                if answer is None or answer.done():
                    return
                if message.get("ok"):
                    answer.set_result(_object(message.get("result")))
                else:
                    answer.set_exception(_refusal(_object(message.get("error"))))


def _refusal(error: Mapping[str, Any]) -> EdgeError:
    code, reason = str(error.get("code")), str(error.get("message"))
    return AnswerLostError(reason) if code == "no_answer" else CommandRefusedError(code, reason)


async def _request(
    session: aiohttp.ClientSession, method: str, url: URL, body: Mapping[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    try:
        async with (
            asyncio.timeout(CONNECT_SECONDS),
            session.request(method, url, json=body, allow_redirects=False) as response,
        ):
            if response.status != 200:
                return response.status, {}
            return response.status, _object(await response.json())
    except aiohttp.ContentTypeError as err:
        raise NotAnEdgeError(f"{url.host} answered with something that is not JSON") from err
    except (aiohttp.ClientError, TimeoutError, OSError) as err:
        raise CannotConnectError(str(err) or f"{url.host} does not answer") from err
    except ValueError as err:
        raise NotAnEdgeError(f"{url.host} answered with something that is not JSON") from err


def _info(body: Mapping[str, Any]) -> EdgeInfo:
    version = body.get("api_version")
    if not isinstance(version, int):
        raise NotAnEdgeError("the answer names no version of the local API")
    if version != API_VERSION:
        raise UnsupportedVersionError(version)
    try:
        return EdgeInfo(str(body["edge_id"]), str(body["name"]), str(body["edge_version"]))
    except KeyError as err:
        raise NotAnEdgeError(f"the answer has no {err}") from err


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotAnEdgeError("the edge sent something that is not a JSON object")
    return value

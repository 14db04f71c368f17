"""Where an edge is, who it is, and pairing with it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from .errors import (
    CannotConnectError,
    NotAnEdgeError,
    TooManyAttemptsError,
    UnsupportedVersionError,
    WrongCodeError,
)

API_VERSION = 1
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class EdgeAddress:
    """Where an edge listens."""

    host: str
    port: int

    def url(self, path: str, query: Mapping[str, str] | None = None) -> URL:
        """Return the URL of a path of the local API; raises CannotConnectError if the host cannot be one."""
        try:
            return URL.build(
                scheme="http", host=self.host, port=self.port, path=f"/api/v1/{path}", query=query or {}
            )
        except ValueError as err:
            raise CannotConnectError(f"{self.host!r} is not a host name") from err

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EdgeInfo:
    """Who an edge says it is; ``time_zone`` is that of the household's days, None from an older edge."""

    edge_id: str
    name: str
    edge_version: str
    time_zone: str | None = None


async def read_info(session: aiohttp.ClientSession, address: EdgeAddress) -> EdgeInfo:
    """Ask an edge who it is. Raises CannotConnectError, NotAnEdgeError or UnsupportedVersionError."""
    status, body = await _request(session, "GET", address.url("info"))
    if status != 200:
        raise NotAnEdgeError(f"{address} answered with status {status}")
    return info_of(body)


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
            return response.status, json_object(await response.json())
    except aiohttp.ContentTypeError as err:
        raise NotAnEdgeError(f"{url.host} answered with something that is not JSON") from err
    except (aiohttp.ClientError, TimeoutError, OSError) as err:
        raise CannotConnectError(str(err) or f"{url.host} does not answer") from err
    except ValueError as err:
        raise NotAnEdgeError(f"{url.host} answered with something that is not JSON") from err


def info_of(body: Mapping[str, Any]) -> EdgeInfo:
    """Return who speaks; raises NotAnEdgeError or UnsupportedVersionError."""
    version = body.get("api_version")
    if not isinstance(version, int):
        raise NotAnEdgeError("the answer names no version of the local API")
    if version != API_VERSION:
        raise UnsupportedVersionError(version, API_VERSION)
    try:
        zone = body.get("time_zone")
        return EdgeInfo(
            str(body["edge_id"]),
            str(body["name"]),
            str(body["edge_version"]),
            zone if isinstance(zone, str) else None,
        )
    except KeyError as err:
        raise NotAnEdgeError(f"the answer has no {err}") from err


def json_object(value: object) -> dict[str, Any]:
    """Return a value that has to be a JSON object; raises NotAnEdgeError."""
    if not isinstance(value, dict):
        raise NotAnEdgeError("the edge sent something that is not a JSON object")
    return value

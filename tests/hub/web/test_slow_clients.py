"""Who sends a request byte by byte, or not to its end, is sent away; the others are served meanwhile."""

import asyncio
from contextlib import suppress

import msgspec
from aiohttp import ClientSession
from energy_swap_hub.config import HubConfig, LimitsConfig
from energy_swap_hub.hub import running_hub

from .conftest import CONSOLE, clock

HEAD = f"POST {CONSOLE}/sign-in HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: 900\r\n"


async def test_slow_heads_and_bodies_are_ended_and_others_are_served(config: HubConfig) -> None:
    config = msgspec.structs.replace(config, limits=LimitsConfig(patience_seconds=1))
    async with running_hub(config, clock), asyncio.timeout(60):
        head, head_writer = await asyncio.open_connection("127.0.0.1", config.port)
        body, body_writer = await asyncio.open_connection("127.0.0.1", config.port)
        head_writer.write(HEAD.encode())
        body_writer.write(f"{HEAD}\r\n{{".encode())
        dribbling = asyncio.gather(_dribble(head_writer, b"X"), _dribble(body_writer, b" "))
        url = f"http://127.0.0.1:{config.port}"
        async with ClientSession(url) as session, session.get(f"{CONSOLE}/overview") as response:
            assert response.status == 401
        assert await _all_of(head) == b"", "there is no request to answer"
        answered = await _all_of(body)
        assert answered.startswith(b"HTTP/1.1 408 ")
        assert b"the body did not come within 1 s" in answered
        dribbling.cancel()
        head_writer.close()
        body_writer.close()


async def _dribble(writer: asyncio.StreamWriter, byte: bytes) -> None:
    while not writer.is_closing():
        writer.write(byte)
        await asyncio.sleep(0.2)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    """Return what came until the connection ended; what was still on its way to the hub then resets it."""
    came = bytearray()
    with suppress(ConnectionResetError):
        while some := await reader.read(1_000):
            came += some
    return bytes(came)

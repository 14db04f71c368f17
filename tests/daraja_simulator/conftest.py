"""Fixtures: a simulator in virtual time with one subscriber, and a receiver of its callbacks."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from energy_swap_daraja_simulator.credential import new_key

from tests.daraja_simulator.desk import PHONE, Desk


@pytest.fixture(scope="session")
def key() -> bytes:
    """One RSA key for all: making one takes long."""
    return new_key()


@contextlib.asynccontextmanager
async def opened(path: Path | None, key: bytes) -> AsyncIterator[Desk]:
    desk = Desk(path, key)
    await desk.start()
    application = web.Application(client_max_size=4_000_000)
    application.router.add_post("/here{more:.*}", desk.take)
    receiver = TestServer(application)
    await receiver.start_server()
    desk.callback_url = f"http://127.0.0.1:{receiver.port}/here"
    await desk.sign_in()
    person = {"phone": PHONE, "name": "Amina Wanjiru", "balance_kes": 500}
    assert (await desk.call("POST", "/_simulator/subscribers", person))[0] == 201
    yield desk
    await desk.stop()
    await receiver.close()


@pytest.fixture
async def desk(key: bytes) -> AsyncIterator[Desk]:
    """A simulator in memory."""
    async with opened(None, key) as made:
        yield made


@pytest.fixture
async def kept_desk(tmp_path: Path, key: bytes) -> AsyncIterator[Desk]:
    """A simulator whose books are a file."""
    async with opened(tmp_path / "daraja.sqlite", key) as made:
        yield made

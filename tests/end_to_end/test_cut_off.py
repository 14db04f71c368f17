"""An admin ends a connection: the real hub signs, the real edge carries, the real firmware opens and confirms."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from energy_swap_demo.broker import free_port
from energy_swap_edge.config import MqttConfig
from energy_swap_edge.hub_client import HubClient
from energy_swap_edge.keys import HouseholdKey
from energy_swap_edge.meter_control import MeterControl
from energy_swap_edge.state import LiveState
from nacl.signing import SigningKey

from tests.esphome.conftest import compiler, meter_program
from tests.esphome.native_api import entities_of
from tests.esphome.simulation import PATIENCE, SLOT, Broker, Feed, Line, MeterProcess
from tests.hub.village import OPENED, VILLAGE
from tests.hub.web.conftest import Hub, Person, certificate_pem, config, founded, hub, users

__all__ = ["certificate_pem", "compiler", "config", "founded", "hub", "meter_program", "users"]

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

NEVER_READ = b"\xff" * 8 * 12


def memory_of(key: SigningKey) -> bytes:
    """Return the file of a meter that has this key and has measured nothing yet."""
    state = bytes(48 + 8 + 8 + 16 + 48) + NEVER_READ + bytes(56) + struct.pack("<II", 2, 0)
    slots = (
        *(_record(b"ESK2", bytes(key)),) * 2,
        *(_record(b"ESS2", state),) * 2,
    )
    return b"".join(slot.ljust(SLOT, b"\0") for slot in slots)


def _record(version: bytes, content: bytes) -> bytes:
    body = struct.pack("<Q", 1) + content
    return version + struct.pack("<I", zlib.crc32(body)) + body


@dataclass(slots=True)
class Household:
    """A member's meter, and the edge's way between it and the hub."""

    id: str
    control: MeterControl
    port: int


@pytest.fixture
async def household(hub: Hub, meter_program: Path, tmp_path: Path) -> AsyncIterator[Household]:
    home = hub.homes[0]
    broker, feed = Broker(tmp_path / "broker"), Feed()
    await broker.start()
    await feed.start()
    state = tmp_path / "state"
    state.mkdir()
    (state / "meter.meter").write_bytes(memory_of(home.meter_key))
    port = free_port()
    meter = MeterProcess(
        meter_program, state, f"127.0.0.1:{broker.port}", f"127.0.0.1:{feed.port}", ENERGY_SWAP_API=str(port)
    )
    await meter.start()
    await feed.give([Line(hub.now, 1_000_000)])
    async with aiohttp.ClientSession() as session:
        key = HouseholdKey(bytes(home.key))
        shown = LiveState(hub.now)
        shown.set("membership", "admitted")
        control = MeterControl(
            MqttConfig(host="127.0.0.1", port=broker.port),
            bytes(home.meter_key.verify_key).hex(),
            "edge",
            hub=HubClient(session, hub.url, VILLAGE, key, lambda: OPENED.replace(minute=1)),
            state=shown,
            ask_seconds=0.2,
        )
        running = asyncio.create_task(control.run())
        yield Household(home.id, control, port)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await meter.stop()
    await feed.stop()
    await broker.stop()


async def reported(admin: Person, household: Household, *, is_open: bool) -> dict[str, Any]:
    """Wait until the hub knows from the meter itself that its connection is so, and return what it knows."""
    async with asyncio.timeout(PATIENCE):
        while True:
            relays = (await (await admin.get("/relays")).json())["relays"]
            for relay in relays:
                meter = relay["meter"]  # None until it has told something
                if relay["household"] == household.id and meter and meter["is_open"] is is_open:
                    return dict(meter)
            await asyncio.sleep(0.05)


async def test_an_ended_connection_opens_and_closes_again(hub: Hub, household: Household) -> None:
    admin = await hub.admin()
    async with entities_of(household.port) as shown:
        code = str(await shown.wait_for("Claim code", bool))
        assert (await household.control.claim({"code": code}))["status"] == "claimed"
        await reported(admin, household, is_open=False)

        await admin.post(f"/relays/{household.id}", {"is_ended": True, "reason": "moved away"})
        await shown.wait_for("Connection", lambda state: state is False)
        meter = await reported(admin, household, is_open=True)
        assert (meter["outcome"], meter["reason"], meter["sequence"]) == ("done", "connection_ended", 1)

        await admin.post(f"/relays/{household.id}", {"is_ended": False, "reason": "moved in again"})
        await shown.wait_for("Connection", lambda state: state is True)
        meter = await reported(admin, household, is_open=False)
        assert (meter["outcome"], meter["sequence"]) == ("done", 2)

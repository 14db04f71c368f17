"""The real firmware, compiled for Linux, in a real Home Assistant by Home Assistant's own ESPHome integration."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from energy_swap_demo.broker import Broker, free_port
from energy_swap_demo.home_assistant import HomeAssistant

from tests.esphome.conftest import compiler, meter_program
from tests.esphome.simulation import MeterProcess

__all__ = ["compiler", "meter_program"]

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


@pytest.fixture
async def meter(meter_program: Path, tmp_path: Path) -> AsyncIterator[MeterProcess]:
    broker = Broker(tmp_path / "broker", tmp_path / "logs")
    await broker.start()
    meter = MeterProcess(
        meter_program,
        tmp_path / "state",
        f"{broker.host}:{broker.port}",
        None,
        ENERGY_SWAP_API=str(free_port()),
        ENERGY_SWAP_POWER="-1234",
    )
    await meter.start()
    yield meter
    await meter.stop()
    await broker.stop()


async def test_home_assistant_shows_the_meters_entities(meter: MeterProcess, tmp_path: Path) -> None:
    async with HomeAssistant(tmp_path / "home_assistant", free_port()) as home:
        await home.onboard()
        step = await home.start_flow("esphome")
        address = {"host": "127.0.0.1", "port": int(meter.settings["ENERGY_SWAP_API"])}
        step = await home.answer_flow(step["flow_id"], address)
        assert step["type"] == "create_entry", step
        await home.wait_for("sensor.simulated_meter_power", lambda state: state == "-1234.0")
        energy = await home.wait_for("sensor.simulated_meter_energy_export", lambda state: state[0].isdigit())
        assert energy["attributes"]["device_class"] == "energy"
        assert energy["attributes"]["state_class"] == "total_increasing"
        await home.wait_for("binary_sensor.simulated_meter_connection", lambda state: state == "on")
        key = await home.wait_for("sensor.simulated_meter_public_key", lambda state: len(state) == 64)
        assert bytes.fromhex(key["state"])

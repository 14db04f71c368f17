"""ESPHome's own chip drivers in the compiled meter, with simulated chips behind pseudo terminals."""

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.esphome.conftest import built
from tests.esphome.modbus_devices import ModbusDevice, pzem_registers, sdm_registers
from tests.esphome.simulation import Broker, Listener, MeterProcess, eventually, stored_state


@dataclass(slots=True)
class House:
    """What flows: cumulative, as chips count it."""

    import_kwh: float = 41_234.5
    export_kwh: float = 812.25
    generation_wh: int = 123_456
    power_w: float = -750.5

    def sdm(self) -> dict[int, int]:
        return sdm_registers(import_kwh=self.import_kwh, export_kwh=self.export_kwh, power_w=self.power_w)

    def pzem(self) -> dict[int, int]:
        return pzem_registers(energy_wh=self.generation_wh, power_w=1201.5)


@dataclass(slots=True)
class Wired:
    """A meter, its two chips and who listens."""

    house: House
    meter: MeterProcess
    listener: Listener
    grid: ModbusDevice
    generation: ModbusDevice

    async def asked_again(self) -> None:
        """Wait until both chips were read after now, and what they said was taken."""
        before = self.grid.requests, self.generation.requests
        await eventually(lambda: self.grid.requests >= before[0] + 2)
        await eventually(lambda: self.generation.requests >= before[1] + 2)

    async def stored(self) -> tuple[int, int, int]:
        """Return import, export and generation in mWh after a clean stop."""
        await self.meter.stop(signal.SIGTERM)
        state = stored_state(self.meter.state / "modbus-meter.meter")
        return state.import_mwh, state.export_mwh, state.generation_mwh


@pytest.fixture
async def wired(compiler: str, tmp_path: Path) -> AsyncIterator[Wired]:
    assert compiler
    house, broker = House(), Broker(tmp_path / "broker")
    await broker.start()
    listener = Listener(broker.port)
    await listener.start()
    with ModbusDevice(house.sdm) as grid, ModbusDevice(house.pzem) as generation:
        meter = MeterProcess(
            built("linux-modbus"),
            tmp_path / "state",
            f"127.0.0.1:{broker.port}",
            None,
            ENERGY_SWAP_GRID_PORT=grid.port,
            ENERGY_SWAP_GENERATION_PORT=generation.port,
        )
        await meter.start()
        yield Wired(house, meter, listener, grid, generation)
        await meter.stop()
    await listener.stop()
    await broker.stop()


async def test_what_the_chips_count_is_counted_from_the_first_look_on(wired: Wired) -> None:
    house = wired.house
    await wired.asked_again()
    await eventually(
        lambda: bool(wired.listener.powers) and wired.listener.powers[-1]["generation_w"] == 1202  # half up
    )
    assert wired.listener.powers[-1]["net_w"] == -751
    house.import_kwh += 0.25
    house.export_kwh += 0.5
    house.generation_wh += 500
    await wired.asked_again()
    # A float of 41 234 kWh has steps of 4 Wh; they do not add up.
    imported, exported, generated = await wired.stored()
    assert imported == pytest.approx(250_000, abs=4000)
    assert (exported, generated) == (500_000, 500_000)


async def test_what_flowed_while_the_meter_was_off_is_counted_and_a_reset_chip_invents_nothing(
    wired: Wired,
) -> None:
    house, meter = wired.house, wired.meter
    house.import_kwh = 100.0
    await wired.asked_again()
    await meter.stop(signal.SIGTERM)
    house.export_kwh += 1.5
    house.generation_wh += 2000
    await meter.start()
    await wired.asked_again()
    assert await wired.stored() == (0, 1_500_000, 2_000_000)
    house.export_kwh = 0.0
    house.generation_wh = 0
    await meter.start()
    await wired.asked_again()
    house.generation_wh = 7
    await wired.asked_again()
    assert await wired.stored() == (0, 1_500_000, 2_007_000)

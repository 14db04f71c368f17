"""The compiled meter against a real broker, fed over TCP: what is published is exact, complete and never falls."""

import asyncio
import random
import signal
import stat
import time
from itertools import pairwise
from pathlib import Path

import pytest
from energy_swap_protocol.reading import Reading, ReadingFlag

from tests.esphome.conftest import Neighbourhood
from tests.esphome.simulation import (
    SLOT,
    Line,
    MeterProcess,
    eventually,
    exact_registers,
    repeated,
    stored_state,
)

MIDNIGHT = 1_795_132_800
assert MIDNIGHT % 86_400 == 0


def a_day(seed: int, start: int = MIDNIGHT, minutes: int = 1440, seconds: int = 60) -> list[Line]:
    """Return lines of a house whose power changes direction often, never in whole watts."""
    chance = random.Random(seed)
    return [
        Line(start + seconds * i, chance.randint(-5_000_000, 5_000_000), chance.randint(-2_000, 5_000_000))
        for i in range(minutes + 1)
    ]


def registers(reading: Reading) -> tuple[int, int, int]:
    return reading.export_wh, reading.import_wh, reading.generation_wh


def assert_never_falls(readings: list[Reading]) -> None:
    ordered = sorted(readings, key=lambda reading: reading.sequence)
    assert repeated(reading.sequence for reading in ordered) == []
    for before, after in pairwise(ordered):
        assert after.measured_at > before.measured_at
        assert all(a >= b for a, b in zip(registers(after), registers(before), strict=True))


async def test_a_simulated_day_passes_in_seconds_and_is_exact(neighbourhood: Neighbourhood) -> None:
    lines = a_day(1)
    await neighbourhood.meter.start()
    began = time.monotonic()
    await neighbourhood.feed.give(lines)
    took = time.monotonic() - began
    listener = neighbourhood.listener
    await listener.wait_for_minute(lines[-1].time)
    assert {reading.measured_at: registers(reading) for reading in listener.readings} == exact_registers(lines)
    assert [reading.sequence for reading in listener.readings] == list(range(1, 1442))
    assert listener.readings[0].flags == ReadingFlag.REGISTER_EPOCH_STARTED
    assert not any(reading.flags for reading in listener.readings[1:])
    assert {meter for meter, _ in listener.frames} == {listener.readings[0].meter.hex()}
    assert took < 15, "a simulated day is to take few seconds"


async def test_power_is_told_in_whole_watts(neighbourhood: Neighbourhood) -> None:
    await neighbourhood.meter.start()
    await neighbourhood.listener.wait_for_status("online")
    for line in (Line(MIDNIGHT, -1_499_600, 2_000_400), Line(MIDNIGHT + 7, 500, -500)):
        await neighbourhood.feed.give([line])
    await eventually(lambda: len(neighbourhood.listener.powers) >= 2)
    assert neighbourhood.listener.powers == [
        {"net_w": -1500, "generation_w": 2000, "at": MIDNIGHT},
        {"net_w": 1, "generation_w": -1, "at": MIDNIGHT + 7},
    ]


async def test_daylight_saving_changes_nothing(neighbourhood: Neighbourhood) -> None:
    autumn = 1_792_890_000  # 2026-10-25, 01:00 UTC: clocks in Berlin go back
    lines = a_day(8, start=autumn - 7200, minutes=240)
    neighbourhood.meter.settings["TZ"] = "Europe/Berlin"
    await neighbourhood.meter.start()
    await neighbourhood.feed.give(lines)
    await neighbourhood.listener.wait_for_minute(lines[-1].time)
    readings = neighbourhood.listener.readings
    assert {reading.measured_at: registers(reading) for reading in readings} == exact_registers(lines)


async def test_lines_may_jump_many_minutes(neighbourhood: Neighbourhood) -> None:
    lines = a_day(2, start=MIDNIGHT + 11, minutes=20, seconds=60 * 61 + 7)
    await neighbourhood.meter.start()
    await neighbourhood.feed.give(lines)
    last = lines[-1].time // 60 * 60
    await neighbourhood.listener.wait_for_minute(last)
    readings = neighbourhood.listener.readings
    assert {reading.measured_at: registers(reading) for reading in readings} == exact_registers(lines)


@pytest.mark.parametrize("ahead", [1, 20])
async def test_sigkill_repeats_no_sequence_and_loses_no_energy(neighbourhood: Neighbourhood, ahead: int) -> None:
    lines = a_day(3, minutes=1200, seconds=37)
    feed, meter, listener = neighbourhood.feed, neighbourhood.meter, neighbourhood.listener
    feed.ahead = ahead
    kills = range(60, 1200, 95)
    await meter.start()
    giving = asyncio.create_task(feed.give(lines))
    for number in kills:
        await feed.wait_until_confirmed(lines[number].time)
        assert not giving.done(), "killed under load"
        await meter.stop(signal.SIGKILL)
        await meter.start()
    await giving
    await listener.wait_for_minute(lines[-1].time // 60 * 60)
    readings = listener.readings
    assert len({reading.meter for reading in readings}) == 1, "the key survives"
    assert_never_falls(readings)
    # Every reading that came is exact, so is the last one: no energy is lost. A kill costs at most the readings
    # that were stored and not yet with the broker, without the last of them and those that end a period.
    exact = exact_registers(lines)
    assert all(exact[reading.measured_at] == registers(reading) for reading in readings)
    assert len(exact) - len(readings) <= len(kills) * (ahead - 1)


async def test_a_broker_restart_loses_no_reading(neighbourhood: Neighbourhood) -> None:
    lines = a_day(4, minutes=900)
    feed, broker, listener = neighbourhood.feed, neighbourhood.broker, neighbourhood.listener
    await neighbourhood.meter.start()
    giving = asyncio.create_task(feed.give(lines))
    for number in (100, 101, 400, 800):
        await feed.wait_until_confirmed(lines[number].time)
        assert not giving.done(), "restarted under load"
        await broker.stop()
        await broker.start()
    await giving
    await listener.wait_for_minute(lines[-1].time)
    assert sorted(reading.sequence for reading in listener.readings) == list(range(1, len(lines) + 1))
    assert {reading.measured_at: registers(reading) for reading in listener.readings} == exact_registers(lines)


async def test_a_line_is_confirmed_only_when_the_broker_has_its_reading(neighbourhood: Neighbourhood) -> None:
    feed, broker = neighbourhood.feed, neighbourhood.broker
    await neighbourhood.meter.start()
    await feed.give([Line(MIDNIGHT, 1000)])
    broker.pause(is_paused=True)
    giving = asyncio.create_task(feed.give([Line(MIDNIGHT + 60, 1000)]))
    await asyncio.sleep(0.4)
    assert feed.confirmed == MIDNIGHT
    broker.pause(is_paused=False)
    await giving


async def test_a_new_connection_hears_only_of_its_own_lines(neighbourhood: Neighbourhood) -> None:
    feed, broker = neighbourhood.feed, neighbourhood.broker
    await neighbourhood.meter.start()
    await feed.give([Line(MIDNIGHT, 1000)])
    broker.pause(is_paused=True)
    abandoned = asyncio.create_task(feed.give([Line(MIDNIGHT + 60, 1000)]))
    await asyncio.sleep(0.2)
    abandoned.cancel()
    feed.drop()
    giving = asyncio.create_task(feed.give([Line(MIDNIGHT + 120, 1000)]))
    await eventually(lambda: feed._current is not None)
    await asyncio.sleep(0.2)
    broker.pause(is_paused=False)
    await giving  # which looks at every answer


async def test_a_stored_reading_that_was_not_published_is_published_after_a_kill(
    neighbourhood: Neighbourhood,
) -> None:
    feed, broker, meter, listener = (
        neighbourhood.feed, neighbourhood.broker, neighbourhood.meter, neighbourhood.listener,
    )  # fmt: skip
    await meter.start()
    await feed.give([Line(MIDNIGHT, 3_600_000)])
    await broker.stop()
    record = meter.state / "meter.meter"
    stored = record.read_bytes()
    giving = asyncio.create_task(feed.give([Line(MIDNIGHT + 60, 0)]))
    await eventually(lambda: record.read_bytes() != stored)
    await meter.stop(signal.SIGKILL)
    await broker.start()
    await meter.start()
    await giving
    await listener.wait_for_minute(MIDNIGHT + 60)
    assert [(reading.sequence, registers(reading)) for reading in listener.readings] == [
        (1, (0, 0, 0)),
        (2, (0, 60, 0)),
    ]


async def test_what_cannot_be_stored_is_not_published(neighbourhood: Neighbourhood) -> None:
    feed, listener = neighbourhood.feed, neighbourhood.listener
    await neighbourhood.meter.start()
    await feed.give([Line(MIDNIGHT, 1000)])
    await listener.wait_for_minute(MIDNIGHT)
    in_the_way = neighbourhood.meter.state / "meter.meter"
    aside = in_the_way.rename(in_the_way.with_suffix(".aside"))
    in_the_way.mkdir()
    giving = asyncio.create_task(feed.give([Line(MIDNIGHT + 60, 1000)]))
    await asyncio.sleep(0.4)
    assert feed.confirmed == MIDNIGHT
    assert len(listener.readings) == 1
    in_the_way.rmdir()
    aside.rename(in_the_way)
    await giving
    await listener.wait_for_minute(MIDNIGHT + 60)


async def test_a_lost_feed_is_found_again_and_a_line_of_the_past_only_sets_the_power(
    neighbourhood: Neighbourhood,
) -> None:
    kilowatt = 3_600_000  # 1 Wh a second
    await neighbourhood.meter.start()
    await neighbourhood.feed.give([Line(MIDNIGHT, kilowatt), Line(MIDNIGHT + 60, kilowatt)])
    neighbourhood.feed.drop()
    await neighbourhood.feed.give([Line(MIDNIGHT, -kilowatt), Line(MIDNIGHT + 120, 0)])
    await neighbourhood.listener.wait_for_minute(MIDNIGHT + 120)
    assert registers(neighbourhood.listener.readings[-1]) == (60, 60, 0)


async def test_a_line_that_is_none_ends_the_connection_and_counts_nothing(neighbourhood: Neighbourhood) -> None:
    await neighbourhood.meter.start()
    await neighbourhood.feed.give([Line(MIDNIGHT, 3_600_000)])
    assert neighbourhood.feed._current is not None
    reader, writer = neighbourhood.feed._current
    writer.write(b"1795132860 1.5 0\n")
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    neighbourhood.feed.drop()
    await neighbourhood.feed.give([Line(MIDNIGHT + 60, 0)])
    await neighbourhood.listener.wait_for_minute(MIDNIGHT + 60)
    assert registers(neighbourhood.listener.readings[-1]) == (0, 60, 0)


async def test_status_is_online_then_offline_at_the_end_and_by_the_last_will(neighbourhood: Neighbourhood) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        await neighbourhood.meter.start()
        await neighbourhood.listener.wait_for_status("online")
        await neighbourhood.meter.stop(how)
        await neighbourhood.listener.wait_for_status("offline")


async def test_the_key_is_for_its_owner_only_and_a_damaged_record_is_not_overwritten(
    neighbourhood: Neighbourhood,
) -> None:
    await neighbourhood.meter.start()
    await neighbourhood.feed.give([Line(MIDNIGHT, 0)])
    await neighbourhood.meter.stop()
    await neighbourhood.listener.wait_for_status("offline")
    record = neighbourhood.meter.state / "meter.meter"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    damaged = bytearray(record.read_bytes())
    for slot in (2, 3):
        damaged[SLOT * slot + 100] ^= 1
    record.write_bytes(damaged)
    neighbourhood.listener.statuses.clear()
    await neighbourhood.meter.start()
    await asyncio.sleep(0.5)
    assert neighbourhood.listener.statuses == []
    assert record.read_bytes() == damaged


async def test_without_a_feed_sensor_and_system_clock_count(
    neighbourhood: Neighbourhood, meter_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENERGY_SWAP_POWER", "-3600000")  # exports 1 kWh a second
    broker, powers = f"127.0.0.1:{neighbourhood.broker.port}", neighbourhood.listener.powers
    meter = MeterProcess(meter_program, neighbourhood.meter.state, broker, None)
    await meter.start()
    try:
        await eventually(lambda: sum(power["net_w"] == -3_600_000 for power in powers) >= 3)
    finally:
        await meter.stop()
    assert all(abs(power["at"] - time.time()) < 10 for power in powers)
    state = stored_state(meter.state / "meter.meter")
    assert 1_500_000 < state.export_mwh < 10_000_000
    assert state.import_mwh == 0

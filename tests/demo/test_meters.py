"""Every meter's readings reach the broker, signed and exactly as measured, whatever breaks on the way."""

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import msgspec
import pytest
from energy_swap_demo import metering
from energy_swap_demo.broker import Broker
from energy_swap_demo.esphome_meter import EspHomeMeter, FirmwareMissingError, build_meter
from energy_swap_demo.metering import Metering
from energy_swap_demo.meters import MetersError, ReplayMeters
from energy_swap_demo.profile import Profile, read_profiles
from energy_swap_protocol.reading import Reading, decode_frame, frame_from_text

START = datetime(2026, 11, 15, 21, tzinfo=UTC)
MIDDAY = START + timedelta(hours=13)


@pytest.fixture(scope="module")
def profiles() -> dict[int, Profile]:
    return read_profiles()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = Broker(tmp_path / "broker", tmp_path / "logs")
    await broker.start()
    yield broker
    await broker.stop()


@asynccontextmanager
async def listening(broker: Broker, topic: str) -> AsyncIterator[aiomqtt.Client]:
    async with (
        asyncio.timeout(60),
        aiomqtt.Client(broker.host, broker.port, identifier="listener", clean_session=False) as client,
    ):
        await client.subscribe(topic, qos=1)
        yield client


async def readings(client: aiomqtt.Client, count: int) -> list[Reading]:
    received: list[Reading] = []
    async for message in client.messages:
        assert isinstance(message.payload, bytes)
        received.append(decode_frame(frame_from_text(message.payload.decode())))
        assert str(message.topic) == f"energy_swap/{received[-1].meter.hex()}/reading"
        if len(received) == count:
            break
    return received


def replayed(profiles: dict[int, Profile], broker: Broker, folder: Path) -> ReplayMeters:
    return ReplayMeters(profiles, start=START, keys=folder / "keys", host=broker.host, port=broker.port)


async def test_every_household_publishes_its_registers(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path
) -> None:
    async with (
        listening(broker, "energy_swap/+/reading") as client,
        replayed(profiles, broker, tmp_path) as meters,
    ):
        await meters.publish_minute(START)
        await meters.publish_minute(MIDDAY)
        received = await readings(client, 24)
        of_meter = {key: household for household, key in meters.public_keys.items()}
        for reading in received:
            registers = profiles[of_meter[reading.meter]].registers_at(
                (reading.time - START) // timedelta(minutes=1)
            )
            assert (reading.export_wh, reading.import_wh, reading.generation_wh) == (
                registers.export_wh, registers.import_wh, registers.generation_wh,
            )  # fmt: skip
            assert reading.sequence == (1 if reading.time == START else 781)
        assert {reading.time for reading in received} == {START, MIDDAY}


async def test_power_and_status_are_shown(profiles: dict[int, Profile], broker: Broker, tmp_path: Path) -> None:
    one = {1: profiles[1]}
    async with listening(broker, "energy_swap/+/power") as client:
        async with replayed(one, broker, tmp_path) as meters:
            await meters.publish_minute(MIDDAY)
        shown = msgspec.json.decode((await anext(aiter(client.messages))).payload)
        power = profiles[1].power_at(780)
        assert shown == {"net_w": power.net_w, "generation_w": power.generation_w, "at": int(MIDDAY.timestamp())}
        assert shown["net_w"] < 0 < shown["generation_w"]  # midday: the sun feeds the neighbourhood
        await client.subscribe("energy_swap/+/status")
        status = await anext(aiter(client.messages))
        assert status.payload == b"offline"
        assert status.retain


async def test_a_repeated_minute_is_the_same_to_the_byte_in_the_next_run(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path
) -> None:
    first, second = replayed(profiles, broker, tmp_path), replayed(profiles, broker, tmp_path)
    assert first.frame_at(3, MIDDAY) == second.frame_at(3, MIDDAY)
    later = decode_frame(second.frame_at(3, MIDDAY + timedelta(minutes=1)))
    assert later.sequence == decode_frame(first.frame_at(3, MIDDAY)).sequence + 1


async def test_readings_outlive_a_broker_that_restarts(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path
) -> None:
    async with listening(broker, "energy_swap/+/reading"):
        pass
    async with replayed(profiles, broker, tmp_path) as meters:
        await meters.publish_minute(START)
        await broker.stop()
        later = asyncio.create_task(meters.publish_minute(START + timedelta(minutes=1)))
        await asyncio.sleep(0.1)
        await broker.start()
        await later
    async with listening(broker, "energy_swap/+/reading") as client:
        received = await readings(client, 24)
    assert {(r.meter, r.sequence) for r in received} == {
        (k, n) for k in meters.public_keys.values() for n in (1, 2)
    }


async def test_a_time_between_minutes_is_refused(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path
) -> None:
    meters = replayed(profiles, broker, tmp_path)
    for time in (START + timedelta(seconds=5), START - timedelta(minutes=1)):
        with pytest.raises(ValueError, match="full minutes"):
            await meters.publish_minute(time)


def stand_in(folder: Path) -> Path:
    program = folder / "firmware"
    script = Path(__file__).with_name("firmware_stand_in.py")
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


async def test_feed_gives_the_firmware_exactly_the_profiles_energy_through_power_cuts(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path
) -> None:
    preferences = tmp_path / "preferences"
    meter = EspHomeMeter(
        stand_in(tmp_path), profiles[1],
        start=START, preferences=preferences, logs=tmp_path / "logs", broker_port=broker.port,
    )  # fmt: skip
    minutes = [MIDDAY + timedelta(minutes=n) for n in range(40)]
    begin = profiles[1].registers_at(780)
    try:
        async with listening(broker, "energy_swap/+/reading") as client:
            await meter.start(minutes[0], others=())
            for number, time in enumerate(minutes[1:], start=1):
                if number == 10:
                    await meter.process.kill()
                    await meter.process.start()
                if number == 20:
                    (preferences / "power_cut").touch()
                    publishing = asyncio.create_task(meter.publish_minute(time))
                    await meter.process.wait()
                    await meter.process.start()
                    await publishing
                else:
                    await meter.publish_minute(time)
            received = {r.measured_at: r for r in await readings(client, 41)}
    finally:
        await meter.stop()
    assert sorted(received) == [int(time.timestamp()) for time in minutes]
    for minute, reading in enumerate(received.values()):
        assert reading.meter == meter.public_key
        now = profiles[1].registers_at(780 + minute)
        assert reading.export_wh == (now.export_mwh - begin.export_mwh) // 1000
        assert reading.import_wh == (now.import_mwh - begin.import_mwh) // 1000
        assert reading.generation_wh == (now.generation_mwh - begin.generation_mwh) // 1000
    assert received[int(minutes[-1].timestamp())].export_wh > 0


@pytest.mark.end_to_end
async def test_the_real_firmware_reads_exactly_the_profile_through_a_power_cut_and_a_new_day(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path
) -> None:
    root = Path(__file__).parents[2]
    if not (root / ".toolchain" / "esphome").exists():
        pytest.skip("this machine has no ESPHome; script/bootstrap installs it")

    async def prepare() -> Metering:
        return await Metering.prepare(
            profiles, root=root, folder=tmp_path, logs=tmp_path / "logs", start=START, broker_port=broker.port
        )

    meters = await prepare()
    if meters.firmware is None:
        pytest.skip(meters.note)
    try:
        async with listening(broker, "energy_swap/+/reading") as client:
            await meters.start(START)
            key = meters.public_keys[1]
            for minute in range(1, 30):
                await meters.publish_minute(START + timedelta(minutes=minute))
            await meters.firmware.process.kill()
            await meters.firmware.process.start()
            for minute in range(30, 60):
                await meters.publish_minute(START + timedelta(minutes=minute))
            await meters.stop()
            meters = await prepare()
            await meters.start(START + timedelta(minutes=59))
            await meters.publish_minute(START + timedelta(minutes=60))
            assert meters.public_keys[1] == key
            # After a restart the firmware tells its last reading again: the same bytes, so the same reading.
            received: dict[int, Reading] = {}
            while int((START + timedelta(minutes=60)).timestamp()) not in received:
                [reading] = await readings(client, 1)
                if reading.meter == key:
                    assert received.setdefault(reading.measured_at, reading) == reading
    finally:
        await meters.stop()
    assert len(received) == 61
    for minute, (at, reading) in enumerate(sorted(received.items())):
        now = profiles[1].registers_at(minute)
        assert at == START.timestamp() + 60 * minute
        assert reading.sequence == minute + 1
        assert (reading.export_wh, reading.import_wh, reading.generation_wh) == (
            now.export_wh, now.import_wh, now.generation_wh,
        )  # fmt: skip


async def test_firmware_that_ends_is_reported_with_its_last_words(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("energy_swap_demo.esphome_meter._PATIENCE_S", 1.0)
    program = tmp_path / "firmware"
    program.write_text("#!/bin/sh\necho no sensor\n")
    program.chmod(0o700)
    meter = EspHomeMeter(
        program, profiles[1],
        start=START, preferences=tmp_path / "p", logs=tmp_path, broker_port=broker.port,
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="no sensor"):
        await meter.start(START, others=())
    await meter.stop()


async def test_without_a_compiler_household_one_gets_a_software_meter_and_keeps_it(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)

    async def prepare() -> Metering:
        return await Metering.prepare(
            profiles, root=tmp_path, folder=tmp_path, logs=tmp_path, start=START, broker_port=broker.port
        )

    meters = await prepare()
    assert "no g++" in meters.note
    await meters.start(START)
    await meters.publish_minute(START + timedelta(minutes=1))
    await meters.stop()
    assert len(meters.public_keys) == 12
    monkeypatch.undo()
    again = await prepare()
    assert again.firmware is None
    assert again.public_keys == meters.public_keys


async def test_household_that_began_with_firmware_does_not_change_its_meter(
    profiles: dict[int, Profile], broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def compiled(_root: Path, _log: Path) -> Path:
        return stand_in(tmp_path)

    async def missing(_root: Path, _log: Path) -> Path:
        raise FirmwareMissingError("the compiler is gone")

    async def prepare() -> Metering:
        return await Metering.prepare(
            profiles, root=tmp_path, folder=tmp_path, logs=tmp_path, start=START, broker_port=broker.port
        )

    monkeypatch.setattr(metering, "build_meter", compiled)
    meters = await prepare()
    await meters.start(START)
    await meters.publish_minute(START + timedelta(minutes=1))
    await meters.stop()
    assert len(set(meters.public_keys.values())) == 12
    monkeypatch.setattr(metering, "build_meter", missing)
    with pytest.raises(MetersError, match="the compiler is gone"):
        await prepare()


async def test_firmware_that_does_not_compile_is_told_with_its_log(tmp_path: Path) -> None:
    script = tmp_path / "script" / "build-meter"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho 'error: no such pin' >&2\nexit 1\n")
    script.chmod(0o700)
    with pytest.raises(FirmwareMissingError, match=r"build\.log"):
        await build_meter(tmp_path, tmp_path / "build.log")
    assert "no such pin" in (tmp_path / "build.log").read_text()

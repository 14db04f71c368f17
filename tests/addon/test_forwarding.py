"""Readings reach the hub: every one, once, in order, whatever goes away in between."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from uuid import uuid7

import aiomqtt
import pytest
from energy_swap_edge.edge import Edge
from energy_swap_edge.intake import acknowledgement
from energy_swap_edge.store import Store
from energy_swap_protocol.reading import decode_frame

from .broker import Broker
from .conftest import MakeEdge
from .meter import Meter
from .small_hub import COMMUNITY, SmallHub, until


async def test_readings_arrive_in_order_and_once(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(20)])
    await until(lambda: len(hub.accepted) == 21)
    assert hub.accepted == list(range(1, 22))
    await until(lambda: admitted_edge.state["hub"]["queue"] == 0)
    assert admitted_edge.state["meter"] == {
        "key": meter.hex, "status": "live", "export_wh": 420, "import_wh": 105, "generation_wh": 630,
        "measured_at": meter.start + 60 * 21,
    }  # fmt: skip


async def test_a_reading_that_the_broker_delivers_twice_counts_once(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    text = meter.next_text()
    await broker.publish(meter.topic("reading"), text, text, meter.next_text())
    await until(lambda: 3 in hub.accepted)
    assert hub.accepted == [1, 2, 3]
    assert sum(hub.batches) == 3  # the first one again after the application, and two


async def test_the_meter_is_told_which_readings_are_stored(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe(meter.topic("ack"))
        texts = [meter.next_text() for _ in range(4)]
        await broker.publish(meter.topic("reading"), texts[0], texts[1], texts[3], "garbage")
        told: set[str] = set()
        async with asyncio.timeout(60):
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                for word in message.payload.decode().split():
                    first, _, last = word.partition("-")
                    told |= {str(sequence) for sequence in range(int(first), int(last or first) + 1)}
                if {"2", "3", "5"} <= told:
                    break
    assert "4" not in told
    assert acknowledgement([5, 7, 6, 5, 12]) == "5-7 12"


async def test_a_hub_outage_loses_nothing_and_is_shown(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await hub.stop()
    await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(700)])
    await until(lambda: admitted_edge.state["hub"]["queue"] >= 700)
    assert admitted_edge.state["hub"]["status"] == "unreachable"
    hub.batches.clear()
    await hub.start()
    await until(lambda: len(hub.accepted) == 701)
    assert hub.accepted == list(range(1, 702))
    assert hub.batches[0] == 500
    await until(
        lambda: admitted_edge.state["hub"] | {"since": 0} == {"status": "connected", "since": 0, "queue": 0}
    )


async def test_an_answer_that_gets_lost_makes_no_second_reading(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await until(lambda: admitted_edge.state["hub"]["queue"] == 0)
    hub.answers_to_lose = 1
    await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(5)])
    await until(lambda: hub.answers_to_lose == 0 and admitted_edge.state["hub"]["queue"] == 0)
    await until(lambda: hub.accepted == [1, 2, 3, 4, 5, 6])


async def test_a_broker_restart_loses_nothing(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    for _ in range(2):
        await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(5)])
        broker.stop()
        await asyncio.sleep(0.05)
        await broker.start()
        # Published before the edge is back: its session waits for it at the broker.
        await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(5)])
    await until(lambda: len(hub.accepted) == 21)
    assert hub.accepted == list(range(1, 22))


async def test_what_the_store_cannot_keep_stays_at_the_broker(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    real = Store.add_frames
    failures = [sqlite3.OperationalError("database or disk is full")] * 2

    async def fails_twice(self: Store, frames: object) -> int:
        if failures:
            raise failures.pop()
        return await real(self, frames)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "add_frames", fails_twice)
    await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(3)])
    await until(lambda: hub.accepted == [1, 2, 3, 4])
    assert not failures


async def test_a_refusal_is_shown_and_asked_again_when_the_hub_changes_its_view(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await until(lambda: admitted_edge.state["hub"]["queue"] == 0)
    hub.refusals["readings"] = (403, "suspended", "ask the office")
    before = len(hub.batches)
    await broker.publish(meter.topic("reading"), meter.next_text())
    await until(lambda: admitted_edge.state["hub"]["status"] == "refused")
    await asyncio.sleep(0.5)
    assert len(hub.batches) == before
    assert admitted_edge.state["hub"]["queue"] == 1
    hub.refusals.clear()
    hub.status = "suspended"
    await hub.push()
    await hub.admit()
    await until(lambda: hub.accepted == [1, 2])
    await until(lambda: admitted_edge.state["hub"]["status"] == "connected")


async def test_garbage_is_logged_once_counted_and_harmless(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = Meter(seed=7)
    frame = bytearray(meter.next_frame())
    frame[60] ^= 1
    bad: list[str | bytes] = [b"", b"\xff\xfe", b"A" * 192, bytes(frame), stranger.next_text()]
    with caplog.at_level(logging.WARNING, "energy_swap_edge.intake"):
        await broker.publish(meter.topic("reading"), *bad)
        await broker.publish(meter.topic("power"), "[]", '{"net_w":"x"}', qos=0)
        await broker.publish(meter.topic("status"), "perhaps")
        await broker.publish(meter.topic("reading"), meter.next_text())
        await until(lambda: 3 in hub.accepted)
        await until(lambda: sum(admitted_edge.rejected.values()) == 8)
    assert admitted_edge.rejected == {"reading": 5, "power": 2, "status": 1}
    assert len([r for r in caplog.records if "is no good" in r.message]) == 3


async def test_power_is_shown_and_silence_too(admitted_edge: Edge, broker: Broker, meter: Meter) -> None:
    state = admitted_edge.state
    await broker.publish(meter.topic("power"), '{"net_w":-350,"generation_w":900,"at":1,"new":2}', qos=0)
    await until(lambda: state["power"] is not None)
    assert state["power"] == {"net_w": -350, "surplus_w": 350, "generation_w": 900, "at": 1}
    await broker.publish(meter.topic("status"), "offline")
    await until(lambda: state["meter"]["status"] == "silent")
    assert state["power"] is None
    await broker.publish(meter.topic("status"), "online")
    await until(lambda: state["meter"]["status"] == "live")


async def test_readings_before_the_application_are_kept_but_not_owed(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, tmp_path: Path
) -> None:
    await hub.stop()
    async with make_edge() as edge:
        await until(lambda: edge.is_listening)
        await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(4)])
        await until(lambda: edge.state["hub"]["queue"] == 4)
        await hub.start()
        await until(lambda: hub.status == "applied")
        await until(lambda: edge.state["membership"] == "applied")
        await hub.admit()
        await until(lambda: edge.state["hub"]["queue"] == 0)
    assert hub.accepted == [4]
    store = await Store.open(tmp_path / "edge")
    assert len(await store.registers_since(0, every_seconds=60)) == 4
    await store.close()


async def test_an_older_reading_that_is_sent_again_after_the_application_is_not_owed(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    first, second = meter.next_text(), meter.next_text()
    async with make_edge() as edge:
        await until(lambda: edge.is_listening)
        await broker.publish(meter.topic("reading"), second)
        await until(lambda: edge.state["membership"] == "applied")
        await broker.publish(meter.topic("reading"), first, meter.next_text())
        await until(lambda: edge.state["meter"]["measured_at"] == meter.start + 180)
        await hub.admit()
        await until(lambda: edge.state["hub"]["queue"] == 0 and 3 in hub.accepted)
    assert hub.accepted == [2, 3]


async def test_the_readings_of_another_meter_are_owed_whatever_their_number(tmp_path: Path, meter: Meter) -> None:
    store = await Store.open(tmp_path)
    meter.sequence = 9
    applied_with = decode_frame(frame := meter.next_frame())
    await store.add_frames([(applied_with, frame)])
    await store.add_application(uuid7(), "application", b"", first=applied_with)
    other = Meter(seed=2)
    new = other.next_frame()
    await store.add_frames([(decode_frame(new), new)])
    assert [waiting.frame for waiting in await store.waiting_frames(10)] == [new, frame]
    await store.close()


async def test_kill_at_any_moment_loses_no_reading(
    broker: Broker, hub: SmallHub, meter: Meter, tmp_path: Path
) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ENERGY_SWAP_")
    } | {
        "ENERGY_SWAP_DATA_DIR": str(tmp_path / "edge"), "ENERGY_SWAP_NAME": "Amina",
        "ENERGY_SWAP_METER": meter.hex,
        "ENERGY_SWAP_PHONE": "254712345678", "ENERGY_SWAP_HUB_URL": hub.url, "ENERGY_SWAP_COMMUNITY": COMMUNITY,
        "ENERGY_SWAP_MQTT_HOST": "127.0.0.1", "ENERGY_SWAP_MQTT_PORT": str(broker.port),
        "ENERGY_SWAP_RATED_PV_W": "3000", "ENERGY_SWAP_MAIN_BREAKER_W": "9200",
        "ENERGY_SWAP_API_HOST": "127.0.0.1", "ENERGY_SWAP_API_PORT": "0",
    }  # fmt: skip
    log = (tmp_path / "edge.log").open("wb")

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "energy_swap_edge", env=environment, stdout=log, stderr=log
        )

    topic = meter.topic("reading")
    process = await start()
    retained = meter.next_text()
    await broker.publish(topic, retained, retain=True)  # there when the edge first subscribes
    await until(lambda: hub.status == "applied")
    hub.allowance_wh = 50_000
    await hub.admit()
    for how_many_first in (0, 3, 25):
        seen = len(hub.accepted)
        async with asyncio.TaskGroup() as group:
            group.create_task(broker.publish(topic, *[meter.next_text() for _ in range(60)]))
            await until(lambda: len(hub.accepted) >= seen + how_many_first, 20)  # noqa: B023 - awaited here
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        await broker.publish(topic, *[meter.next_text() for _ in range(5)])
        process = await start()
    await broker.publish(topic, meter.next_text())
    try:
        await until(lambda: len(hub.accepted) == meter.sequence)
        assert sorted(hub.accepted) == list(range(1, meter.sequence + 1))
        assert hub.accepted == sorted(hub.accepted)
        assert hub.kinds() == ["apply"]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        log.close()
    assert b"Traceback" not in (tmp_path / "edge.log").read_bytes()


async def test_a_stored_reading_is_the_meters_own_bytes(tmp_path: Path, meter: Meter) -> None:
    store = await Store.open(tmp_path)
    frames = [meter.next_frame() for _ in range(3)]
    decoded = [(decode_frame(frame), frame) for frame in frames]
    assert await store.add_frames(decoded[1:]) == 2
    assert await store.add_frames(decoded) == 1
    assert [waiting.frame for waiting in await store.waiting_frames(10)] == frames
    await store.close()

"""What an edge costs: processor time and memory while meters send once a second, and while days are replayed.

    .venv/bin/python -m tests.benchmarks.edge [--seconds 60] [--meters 20]

The edges run in a process of their own (so that the meters, the broker and the hub are not counted), each with its
own database, MQTT connection, local API and a connected client. The idle run before tells what they cost without
meters.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
from energy_swap_edge.config import EdgeConfig, MqttConfig
from energy_swap_edge.edge import Edge
from energy_swap_edge.store import Store
from energy_swap_protocol.reading import decode_frame

from tests.addon.broker import Broker
from tests.addon.meter import Meter
from tests.addon.small_hub import COMMUNITY, SmallHub, until


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--meters", type=int, default=20)
    asyncio.run(_measure(parser.parse_args()))


async def _measure(wanted: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "broker").mkdir()
        broker, hub = Broker(folder / "broker"), SmallHub()
        await broker.start()
        await hub.start()
        try:
            for count, rate, history_days in ((1, 1, 35), (wanted.meters, 1, 0), (1, wanted.meters, 0)):
                await _one(folder, broker, hub, wanted.seconds, count, rate, history_days)
        finally:
            broker.stop()
            await hub.stop()


async def _one(
    folder: Path, broker: Broker, hub: SmallHub, seconds: int, count: int, rate: int, history_days: int
) -> None:
    """Measure ``count`` edges whose meters send ``rate`` live messages a second and a reading a minute."""
    start = int(time.time()) - history_days * 86_400 - 60
    meters = [Meter(seed=n + 1, start=start) for n in range(count)]
    here = folder / f"{count}x{rate}"
    configs = [
        EdgeConfig(
            data_dir=here / str(n), name=f"House {n}", phone="254712345678", hub_url=hub.url, community=COMMUNITY,
            mqtt=MqttConfig(host="127.0.0.1", port=broker.port), meter=meter.hex, rated_pv_w=3000,
            main_breaker_w=9200, api_host="127.0.0.1", api_port=0, latitude=-1.3, longitude=36.8,
        )
        for n, meter in enumerate(meters)
    ]  # fmt: skip
    if history_days:
        store = await Store.open(configs[0].data_dir)
        for _ in range(history_days):
            frames = [meters[0].next_frame() for _ in range(1440)]
            await store.add_frames([(decode_frame(frame), frame) for frame in frames])
        await store.close()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_edges, args=(configs, theirs))
    process.start()
    try:
        await asyncio.to_thread(ours.recv)
        if history_days:  # a member with a past of its own and of its community: the adviser has all it can have
            await until(lambda: hub.status == "applied", 60)
            first = start // 1800 * 1800
            hub.prices = [
                {"start": at, "cents_per_kwh": 1000 + at // 1800 % 48 * 10, "traded_wh": 900, "supply_wh": 1200,
                 "demand_wh": 1000}
                for at in range(first, int(time.time()), 1800)
            ]  # fmt: skip
            hub.allowance_wh = 50_000
            await hub.admit()
        await asyncio.sleep(15)  # start-up is over
        idle = await _used(ours, seconds / 2, None)
        busy = await _used(ours, seconds, _send(broker, meters, rate, seconds))
        ours.send("stop")
        peak_mb = ours.recv()
    finally:
        process.join(20)
        process.kill()
    sys.stdout.write(
        f"{count:3} edges, {rate:3} live messages a second each, {history_days} days of readings: "
        f"idle {idle:5.2f} % of a core, busy {busy:5.2f} %, peak resident {peak_mb:.0f} MB\n"
    )


async def _used(ours: Connection, seconds: float, work: Any) -> float:
    ours.send("cpu")
    before = await asyncio.to_thread(ours.recv)
    began = time.monotonic()
    if work is None:
        await asyncio.sleep(seconds)
    else:
        await work
    ours.send("cpu")
    after: float = await asyncio.to_thread(ours.recv)
    return float(100 * (after - before) / (time.monotonic() - began))


async def _send(broker: Broker, meters: list[Meter], rate: int, seconds: int) -> None:
    began = time.monotonic()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for number in range(seconds * rate):
            at = int(time.time())
            for meter in meters:
                body = f'{{"net_w":{-500 + number % 900},"generation_w":{number % 3000},"at":{at}}}'
                await client.publish(meter.topic("power"), body, qos=0)
                if number % (60 * rate) == 0:
                    await client.publish(meter.topic("reading"), meter.next_text(), qos=1)
            await asyncio.sleep(max(began + (number + 1) / rate - time.monotonic(), 0))


def _edges(configs: list[EdgeConfig], theirs: Connection) -> None:
    asyncio.run(_live(configs, theirs))


async def _live(configs: list[EdgeConfig], theirs: Connection) -> None:
    async with AsyncExitStack() as stack:
        edges = [await stack.enter_async_context(Edge(config, lambda: datetime.now(UTC))) for config in configs]
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for edge in edges:
            base = f"http://127.0.0.1:{edge.api_port}/api/v1"
            async with session.post(f"{base}/pair", json={"code": edge.pairing_code, "client": "x"}) as response:
                token = (await response.json())["token"]
            socket = await session.ws_connect(f"{base}/ws", headers={"Authorization": f"Bearer {token}"})
            stack.push_async_callback(socket.close)
            task = asyncio.create_task(_read(socket))
            stack.callback(task.cancel)
        theirs.send("ready")
        while await asyncio.to_thread(theirs.recv) == "cpu":
            theirs.send(time.process_time())
        theirs.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()

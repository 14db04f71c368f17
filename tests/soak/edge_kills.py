"""Kill an edge at random moments, and show that no reading that a broker took is lost or counted twice.

    .venv/bin/python -m tests.soak.edge_kills [--kills 100] [--seed 1]

A real broker, the edge as a process of its own, and the tests' hub. A meter publishes all the time with QoS 1; the
edge is killed with SIGKILL up to 2 seconds after its start or after a reading. At the end the hub must have
each reading once and in order, and the roll-up must hold what the registers gained.
"""

import argparse
import asyncio
import os
import random
import sqlite3
import sys
import tempfile
from pathlib import Path

import aiomqtt
from energy_swap_edge.history.periods import History
from energy_swap_edge.store import Store

from tests.addon.broker import Broker
from tests.addon.meter import Meter
from tests.addon.small_hub import COMMUNITY, SmallHub, until


def main() -> None:
    """Run, and fail when something is lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    asyncio.run(_run(wanted.kills, random.Random(wanted.seed)))


async def _run(kills: int, drawn: random.Random) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "broker").mkdir()
        broker, hub, meter = Broker(folder / "broker"), SmallHub(), Meter()
        await broker.start()
        await hub.start()
        process = await _start(folder, broker, hub, meter)
        publishing: asyncio.Task[None] | None = None
        try:
            # Retained, so that it is there whenever the edge first subscribes.
            await broker.publish(meter.topic("reading"), meter.next_text(), retain=True)
            await until(lambda: hub.status == "applied", 120)
            hub.allowance_wh = 50_000
            await hub.admit()
            stopped = asyncio.Event()
            publishing = asyncio.create_task(_publish(broker, meter, stopped))
            early = 0
            for number in range(kills):
                seen = len(hub.accepted)
                if drawn.random() < 0.6:
                    await until(lambda seen=seen: len(hub.accepted) > seen, 120)
                await asyncio.sleep(drawn.uniform(0, 2))
                process.kill()
                await process.wait()
                early += len(hub.accepted) == seen
                process = await _start(folder, broker, hub, meter)
                sys.stdout.write(f"\r{number + 1} kills, {len(hub.accepted)} readings at the hub ")
                sys.stdout.flush()
            stopped.set()
            await publishing
            await until(lambda: len(hub.accepted) == meter.sequence, 300)
        finally:
            if publishing is not None:
                publishing.cancel()
            process.terminate()
            await process.wait()
            broker.stop()
            await hub.stop()
        assert hub.accepted == list(range(1, meter.sequence + 1)), "a reading is lost, double or out of order"
        assert hub.kinds().count("apply") == 1
        await _check_history(folder, meter)
        sys.stdout.write(
            f"\n{kills} kills, {early} of them before the edge had brought a reading; {meter.sequence} readings: "
            "each one at the hub once and in order\n"
        )


async def _check_history(folder: Path, meter: Meter) -> None:
    db = sqlite3.connect(folder / "edge" / "edge.sqlite3")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    store = await Store.open(folder / "edge")
    history = History(store)
    await history.roll_up(2**32)
    quarters = await history.measured(0, 2**32)
    seconds = quarters[-1].start + 900 - meter.start  # 20 Wh a minute, the first reading after one
    assert sum(one.export_wh for one in quarters) == 20 * seconds // 60 - 20
    await store.close()


async def _publish(broker: Broker, meter: Meter, stopped: asyncio.Event) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        while not stopped.is_set():
            await client.publish(meter.topic("reading"), meter.next_text(), qos=1)
            await asyncio.sleep(0.05)


async def _start(folder: Path, broker: Broker, hub: SmallHub, meter: Meter) -> asyncio.subprocess.Process:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENERGY_SWAP_")}
    environment = kept | {
        "ENERGY_SWAP_DATA_DIR": str(folder / "edge"), "ENERGY_SWAP_NAME": "Amina", "ENERGY_SWAP_METER": meter.hex,
        "ENERGY_SWAP_PHONE": "254712345678", "ENERGY_SWAP_HUB_URL": hub.url, "ENERGY_SWAP_COMMUNITY": COMMUNITY,
        "ENERGY_SWAP_MQTT_HOST": "127.0.0.1", "ENERGY_SWAP_MQTT_PORT": str(broker.port),
        "ENERGY_SWAP_RATED_PV_W": "3000", "ENERGY_SWAP_MAIN_BREAKER_W": "9200",
        "ENERGY_SWAP_API_HOST": "127.0.0.1", "ENERGY_SWAP_API_PORT": "0",
    }  # fmt: skip
    with (folder / "edge.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "energy_swap_edge", env=environment, stdout=log, stderr=log
        )


if __name__ == "__main__":
    main()

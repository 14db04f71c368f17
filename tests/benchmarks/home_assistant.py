"""What the integration costs a real Home Assistant: its set-up, live power once a second, rows in its database.

.venv/bin/python -m tests.benchmarks.home_assistant               # an hour of live power
.venv/bin/python -m tests.benchmarks.home_assistant --seconds 120 # rougher
"""

import argparse
import asyncio
import os
import random
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from energy_swap_demo.broker import free_port
from energy_swap_demo.home_assistant import HomeAssistant

from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.household import Household

TICKS = os.sysconf("SC_CLK_TCK")
DAY = 86_400
RELOADS = 10


@dataclass(frozen=True)
class Cost:
    """What a process has used so far: seconds of processor time, and bytes in memory now."""

    cpu: float
    memory: int

    @classmethod
    def of(cls, pid: int) -> Cost:
        """Read it from the kernel."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls((int(fields[11]) + int(fields[12])) / TICKS, pages * os.sysconf("SC_PAGE_SIZE"))


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def rows(database: Path) -> dict[str, int]:
    """Return how many states of each of our entities the recorder has written."""
    query = (
        "SELECT states_meta.entity_id, count(*) FROM states JOIN states_meta USING (metadata_id)"
        " WHERE states_meta.entity_id LIKE '%amina_s_house%' GROUP BY states_meta.entity_id"
    )
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        return dict(db.execute(query).fetchall())


async def live_power(edge: ContractEdge, seconds: int, seed: int) -> None:
    """Send what a house with clouds above it sends: power each second, registers each minute."""
    randomness = random.Random(seed)
    sun, load, started = 2_000.0, 450.0, time.monotonic()
    for second in count(1):
        sun = min(3_000.0, max(0.0, sun + randomness.gauss(0, 12)))
        load = min(4_000.0, max(80.0, load + randomness.gauss(0, 4)))
        if randomness.random() < 1 / 300:  # a cloud, a kettle
            sun, load = randomness.uniform(200, 3_000), randomness.uniform(100, 2_500)
        net = round(load - sun)
        power = {"net_w": net, "surplus_w": max(0, -net), "generation_w": round(sun), "at": 1795168800 + second}
        await edge.change(power=power)
        if second % 60 == 0:
            meter = edge.state["meter"]
            energy = {"export_wh": meter["export_wh"] + 25, "generation_wh": meter["generation_wh"] + 33}
            await edge.change(meter={**meter, **energy, "measured_at": power["at"]})
        if second >= seconds:
            return
        await asyncio.sleep(max(0.0, started + second - time.monotonic()))


async def measure(folder: Path, seconds: int) -> None:
    """Print the figures."""
    edge = ContractEdge()
    await edge.start()
    async with HomeAssistant(folder, free_port()) as home:
        await home.onboard()
        household = await Household.set_up(home, edge)
        pid = home.process.pid or 0
        database = folder / "home-assistant_v2.db"
        say(
            f"entities: {len(household.entities)} on, "
            f"{len(await home.entities(household.entry_id, also_disabled=True))} in all"
        )

        times = []
        before = Cost.of(pid)
        for _ in range(RELOADS):
            started = time.monotonic()
            await home.request("POST", f"config/config_entries/entry/{household.entry_id}/reload")
            times.append(time.monotonic() - started)
        cpu = (Cost.of(pid).cpu - before.cpu) / RELOADS
        say(
            f"unload and set-up: {min(times):.2f} s at best, {max(times):.2f} s at worst, {cpu:.2f} s of processor"
        )

        idle = min(seconds, 300)
        before = Cost.of(pid)
        await asyncio.sleep(idle)
        quiet = (Cost.of(pid).cpu - before.cpu) / idle
        written, before = rows(database), Cost.of(pid)
        await live_power(edge, seconds, seed=1)
        after = Cost.of(pid)
        busy = (after.cpu - before.cpu) / seconds
        await asyncio.sleep(10)  # the recorder commits every five seconds
        say(
            f"one core, without us: {100 * quiet:.2f} %; with live power once a second: {100 * busy:.2f} %; "
            f"ours: {100 * (busy - quiet):.2f} %"
        )
        say(f"memory: {before.memory / 1e6:.1f} MB before, {after.memory / 1e6:.1f} MB after {seconds} s")
        new = {entity: number - written.get(entity, 0) for entity, number in rows(database).items()}
        for entity, number in sorted(new.items(), key=lambda row: -row[1])[:8]:
            say(f"{number * DAY / seconds:9,.0f} rows a day  {entity}")
        say(f"{sum(new.values()) * DAY / seconds:9,.0f} rows a day in all")
    await edge.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=3_600, help="how long live power is sent")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(measure(Path(temporary), arguments.seconds))

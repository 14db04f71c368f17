"""What the integration costs a real Home Assistant: its set-up, live power once a second, rows in its database.

.venv/bin/python -m tests.benchmarks.home_assistant               # an hour of live power
.venv/bin/python -m tests.benchmarks.home_assistant --everything  # an hour, every value each second
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
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from energy_swap_demo.broker import free_port
from energy_swap_demo.home_assistant import HomeAssistant

from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.household import Household

TICKS = os.sysconf("SC_CLK_TCK")
DAY = 86_400
RELOADS = 10
LOOKS = 6  # how often on the way processor and memory are read
REGISTERS = frozenset({"export_wh", "import_wh", "generation_wh", "sold_wh", "bought_wh"})


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


@dataclass(frozen=True)
class Reload:
    """How long a reload took, Home Assistant's processor time in it, and the longest this process was not let run.

    A stall as long as the reload was the machine's, and one without processor time is neither ours.
    """

    seconds: float
    cpu: float
    stall: float


async def reload(home: HomeAssistant, household: Household, pid: int) -> Reload:
    """Unload the household and set it up; raises `RuntimeError` if it is not loaded then."""
    stall = 0.0

    async def watch() -> None:
        nonlocal stall
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            stall = max(stall, time.monotonic() - before - 0.01)

    watching = asyncio.create_task(watch())
    cpu, started = Cost.of(pid).cpu, time.monotonic()
    await home.request("POST", f"config/config_entries/entry/{household.entry_id}/reload")
    found = Reload(time.monotonic() - started, Cost.of(pid).cpu - cpu, stall)
    watching.cancel()
    entries = await home.command("config_entries/get", domain="energy_swap")
    if (state := next(one["state"] for one in entries if one["entry_id"] == household.entry_id)) != "loaded":
        raise RuntimeError(f"after {found.seconds:.1f} s the household is not loaded but in {state}")
    return found


type Push = Callable[[int], Awaitable[None]]


def weather(edge: ContractEdge, seed: int) -> Push:
    """Return what sends what a house with clouds above it sends: power each second, registers each minute."""
    randomness = random.Random(seed)
    sun, load = 2_000.0, 450.0

    async def push(second: int) -> None:
        nonlocal sun, load
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

    return push


def everything(edge: ContractEdge) -> Push:
    """Return what changes every number of the edge's state at once: more than any house ever sends."""

    def moved(part: Any, second: int) -> Any:
        """Registers go on; other numbers go up and down by one, so that they stay what they can be."""
        if not isinstance(part, dict):
            return part
        step = 1 if second % 2 else -1
        return {
            key: value + (1 if key in REGISTERS else step) if type(value) in (int, float) else moved(value, second)
            for key, value in part.items()
        }

    async def push(second: int) -> None:
        await edge.change(**{key: moved(part, second) for key, part in edge.state.items()})

    return push


async def once_a_second(push: Push, seconds: int, look: Callable[[int], None]) -> None:
    """Call ``push`` each second, and ``look`` now and then on the way."""
    started = time.monotonic()
    for second in count(1):
        await push(second)
        if second % max(1, seconds // LOOKS) == 0:
            look(second)
        if second >= seconds:
            return
        await asyncio.sleep(max(0.0, started + second - time.monotonic()))


async def prefer_each_second(home: HomeAssistant, household: Household) -> None:
    """Set the preference so that live power is written as often as it comes."""
    handler = {"handler": household.entry_id}
    step = await home.request("POST", "config/config_entries/options/flow", handler)
    answer = {"power_seconds": 1, "statistics": True, "most_kes": 0, "admins_only": False}
    await home.request("POST", f"config/config_entries/options/flow/{step['flow_id']}", answer)


async def measure(folder: Path, seconds: int, *, is_everything: bool) -> None:
    """Print the figures."""
    edge = ContractEdge()
    await edge.start()
    async with HomeAssistant(folder, free_port()) as home:
        await home.onboard()
        household = await Household.set_up(home, edge)
        if is_everything:
            await prefer_each_second(home, household)
        pid = home.process.pid or 0
        database = folder / "home-assistant_v2.db"
        say(
            f"entities: {len(household.entities)} on, "
            f"{len(await home.entities(household.entry_id, also_disabled=True))} in all"
        )

        reloads = [await reload(home, household, pid) for _ in range(RELOADS)]
        worst = max(reloads, key=lambda one: one.seconds)
        say(
            f"unload and set-up: {min(one.seconds for one in reloads):.2f} s at best, "
            f"{sum(one.cpu for one in reloads) / RELOADS:.2f} s of processor; {worst.seconds:.2f} s at worst, "
            f"with {worst.cpu:.2f} s of processor while this process stood still for {worst.stall:.2f} s"
        )

        idle = min(seconds, 300)
        before = Cost.of(pid)
        await asyncio.sleep(idle)
        quiet = (Cost.of(pid).cpu - before.cpu) / idle
        written, before = rows(database), Cost.of(pid)

        def look(second: int) -> None:
            now = Cost.of(pid)
            say(
                f"after {second:5} s: {100 * (now.cpu - before.cpu) / second:.2f} % of a core, "
                f"{now.memory / 1e6:.1f} MB"
            )

        say(f"before:        {100 * quiet:.2f} % of a core, {before.memory / 1e6:.1f} MB")
        await once_a_second(everything(edge) if is_everything else weather(edge, seed=1), seconds, look)
        busy = (Cost.of(pid).cpu - before.cpu) / seconds
        await asyncio.sleep(10)  # the recorder commits every five seconds
        say(f"ours: {100 * (busy - quiet):.2f} % of a core")
        new = {entity: number - written.get(entity, 0) for entity, number in rows(database).items()}
        for entity, number in sorted(new.items(), key=lambda row: -row[1])[:8]:
            say(f"{number * DAY / seconds:9,.0f} rows a day  {entity}")
        say(f"{sum(new.values()) * DAY / seconds:9,.0f} rows a day in all")
    await edge.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=3_600, help="how long live power is sent")
    parser.add_argument("--everything", action="store_true", help="change every value each second, not only power")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(measure(Path(temporary), arguments.seconds, is_everything=arguments.everything))

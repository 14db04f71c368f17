"""How soon the household app can be used on a slow phone: Chromium with a quarter of the CPU, and slow 4G.

.venv/bin/python -m tests.benchmarks.phone_app [--repeat 5]
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from energy_swap_demo.browser import Browser
from energy_swap_demo.phone_app import PIN, pair_phone
from playwright.async_api import CDPSession, Page

from tests.end_to_end.phone_place import PATIENCE, PHONE, Place, live_a_while, open_place
from tests.hub.village import found_in

# What Lighthouse calls a slow 4G network and a mid-tier phone.
NETWORK: Final = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
CPU_SLOWDOWN: Final = 4
WATCH: Final = """
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.longTasks.push([one.startTime, one.startTime + one.duration]);
  }).observe({ type: "longtask", buffered: true });
"""
# Looks into the shadow roots; the time is when what is looked for stands there.
THERE: Final = """(name) => {
  const find = (root) => { for (const one of root.querySelectorAll("*")) {
    if (one.matches(name) && one.getClientRects().length) return one;
    const below = one.shadowRoot && find(one.shadowRoot); if (below) return below; }
    return null; };
  return find(document) ? performance.now() : null;
}"""
QUIET: Final = """async (there) => {
  // Usable when it stands there and the last task that would make a tap wait is over.
  await new Promise((done) => setTimeout(done, 3000));
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  const tasks = window.longTasks;
  const blocked = tasks.reduce((sum, [from, to]) => sum + Math.max(to - from - 50, 0), 0);
  return [paint, Math.max(there, ...tasks.filter(([from]) => from < there + 3000).map(([, to]) => to)), blocked];
}"""
LINES: Final = ("first visit", "opened again", "PIN to figures")


async def looked_for(page: Page, name: str) -> float:
    handle = await page.wait_for_function(THERE, arg=name, polling="raf", timeout=PATIENCE)
    return float(await handle.json_value())


class Timing(NamedTuple):
    """Milliseconds: first paint; when a tap is answered; what taps would have waited; the page's own CPU time."""

    paint: float
    usable: float
    blocked: float
    cpu: float


async def settled(page: Page, devtools: CDPSession, name: str) -> Timing:
    """Wait until ``name`` stands on the page and nothing keeps it from answering."""
    there = await looked_for(page, name)
    worked = await cpu_ms(devtools)
    paint, usable, blocked = await page.evaluate(QUIET, there)
    return Timing(paint, usable, blocked, worked)


async def cpu_ms(devtools: CDPSession) -> float:
    """Return the CPU time of the page's main thread so far, the slowing down included."""
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    return 1000 * float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


async def one_run(browser: Browser, place: Place, number: int) -> dict[str, Timing]:
    """Return the timing of a first visit, of one with the app kept, and from the PIN to the figures."""
    found: dict[str, Timing] = {}
    async with slow_page(browser, place.hub) as (page, devtools):
        await page.goto(f"{place.hub}/app/")
        found["first visit"] = await settled(page, devtools, "#phone")
        await pair_phone(page, place.phones, place.homes[number % 4].phone)
        await page.evaluate("navigator.serviceWorker.ready")
        await page.wait_for_function("async () => (await caches.keys()).length > 0")
        await page.get_by_role("link", name="More").click()
        await page.get_by_role("button", name="Lock").click()
        await page.get_by_label("PIN", exact=True).wait_for()
        await page.reload()
        found["opened again"] = await settled(page, devtools, "#pin")
        await page.get_by_label("PIN", exact=True).fill(PIN)
        before, worked = (
            float(await page.evaluate("window.longTasks = [], performance.now()")),
            await cpu_ms(devtools),
        )
        await page.get_by_role("button", name="Open").click()
        await page.get_by_role("link", name="Home").click()
        after = await settled(page, devtools, "[data-test=wallet]")
        found["PIN to figures"] = Timing(float("nan"), after.usable - before, after.blocked, after.cpu - worked)
        # The household may have five phones, and this one has done its work.
        await page.evaluate("indexedDB.deleteDatabase('energy-swap')")
    return found


@asynccontextmanager
async def slow_page(browser: Browser, hub: str) -> AsyncIterator[tuple[Page, CDPSession]]:
    async with browser.page(hub, {}, size=PHONE) as page:
        page.set_default_timeout(PATIENCE)
        await page.add_init_script(WATCH)
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Network.enable")
        await devtools.send("Network.emulateNetworkConditions", NETWORK)
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        yield page, devtools


async def measure(founded: Path, repeat: int) -> None:
    async with open_place(founded) as place, Browser() as browser:
        runs = [await one_run(browser, place, number) for number in range(repeat)]
    head = ("first paint", "usable", "worst", "blocked", "page's CPU")
    sys.stdout.write(f"{'ms, median of ' + str(repeat):20}" + "".join(f"{name:>13}" for name in head) + "\n")
    for line in LINES:
        of_line = [run[line] for run in runs]
        paint, usable, blocked, cpu = (statistics.median(one[part] for one in of_line) for part in range(4))
        figures = (paint, usable, max(one.usable for one in of_line), blocked, cpu)
        sys.stdout.write(f"{line:20}" + "".join(f"{figure:13.0f}" for figure in figures) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as scratch:
        founded = found_in(Path(scratch))
        asyncio.run(live_a_while(founded))
        asyncio.run(measure(founded, repeat))


if __name__ == "__main__":
    main()

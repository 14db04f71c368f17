"""How the console scrolls: frames and long tasks while 10,000 of 100,000 trades go by, in Debian's Chromium.

Where other programs want the processor, a task is long by the clock that is not long by its work: both are told.

    .venv/bin/python -m tests.benchmarks.console
"""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from energy_swap_demo.browser import DESKTOP, PHONE, Browser

from tests.end_to_end.long_books import running_long_hub

ROWS: Final = 100_000
SCROLLED: Final = 10_000
LONG_TASK_MS: Final = 50
# In each frame the list moves on by so many pixels: as fast as a hand can throw it.
STEP_PX: Final = 300
SCROLL: Final = """async ([rows, step]) => {
  const find = (root) =>
    [...root.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? find(one.shadowRoot) : [])]);
  const box = find(document).find((one) => one.matches(".trades .long-box"));
  const high = box.scrollHeight / (Number(box.querySelector("table").ariaRowCount) - 1);
  const long = [];
  const watch = new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration)));
  watch.observe({ entryTypes: ["longtask"] });
  const frames = [];
  let most = 0;
  let coming = 0;
  let last = await new Promise(requestAnimationFrame);
  while (box.scrollTop < rows * high) {
    box.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
    most = Math.max(most, box.querySelectorAll("tr").length);
    coming += box.querySelector(".coming") === null ? 0 : 1;
  }
  await new Promise((done) => setTimeout(done, 200));
  watch.disconnect();
  return { frames, long, most, coming, all: find(document).length };
}"""


async def measure(browser: Browser, url: str, cookies: dict[str, str], size: tuple[int, int]) -> dict[str, Any]:
    """Scroll the trades of the hub at ``url`` and return what the browser saw."""
    async with browser.page(url, {}, cookies=cookies, size=size) as page:
        await page.goto(f"{url}/market")
        await page.wait_for_selector(".trades tbody tr:not(.coming)")
        await page.wait_for_load_state("load")
        await asyncio.sleep(2)  # the page's other parts have drawn themselves
        trace, events = await page.context.new_cdp_session(page), list[dict[str, Any]]()
        is_over = asyncio.Event()
        trace.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
        trace.on("Tracing.tracingComplete", lambda _: is_over.set())
        await trace.send("Tracing.start", {"traceConfig": {"includedCategories": ["toplevel", "__metadata"]}})
        seen = dict(await page.evaluate(SCROLL, [SCROLLED, STEP_PX]))
        await trace.send("Tracing.end")
        await is_over.wait()
        return seen | {"tasks": sorted(tasks_of(events))}


def tasks_of(events: list[dict[str, Any]]) -> list[float]:
    """Return the processor time in milliseconds of each task on the main thread of the page."""
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return [
        event["tdur"] / 1000
        for event in events
        if event["name"] == "ThreadControllerImpl::RunTask"
        and (event["pid"], event["tid"]) in main
        and "tdur" in event
    ]


async def main() -> int:
    """Print the figures; return 1 when a task took the processor for long."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        async with running_long_hub(Path(folder), ROWS) as hub, Browser() as browser:
            person = await hub.admin()
            cookies = {one.key: one.value for one in person.session.cookie_jar}
            for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
                seen = await measure(browser, hub.url, cookies, size)
                frames, long = sorted(seen["frames"]), seen["long"]
                tasks = seen["tasks"]
                worst = max(worst, tasks[-1])
                median, p99 = statistics.median(frames), frames[int(len(frames) * 0.99)]
                told = (
                    f"{name}: {SCROLLED:,} of {ROWS:,} trades in {len(frames)} frames",
                    f"  a frame: {median:.1f} ms (median), {p99:.1f} (p99), {frames[-1]:.1f} (worst)",
                    f"  over {LONG_TASK_MS} ms by the clock: {len(long)}, worst {max(long, default=0):.0f}",
                    f"  by processor time the longest of {len(tasks):,} tasks: {tasks[-1]:.0f} ms",
                    f"  in the document at most {seen['most']} rows, {seen['all']} elements",
                    f"  frames in which a row was still on its way: {seen['coming']}",
                )
                sys.stdout.write("\n".join(told) + "\n")
    return 1 if worst > LONG_TASK_MS else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

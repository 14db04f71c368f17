"""How long lists are read: the hub's processor time for a page of 100,000 rows, and the console scrolling in them.

Frames and long tasks while 10,000 trades, then 2,000 rows of each other list go by, in Debian's Chromium. Where
other programs want the processor, a task is long by the clock that is not long by its work: both are told.

    .venv/bin/python -m tests.benchmarks.console
"""

import asyncio
import statistics
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from energy_swap_demo.browser import DESKTOP, PHONE, Browser

from tests.end_to_end.long_books import running_long_hub
from tests.hub.web.conftest import Person

ROWS: Final = 100_000
MOST_PAGE_MS: Final = 200
LONG_TASK_MS: Final = 50
# In each frame the list moves on by so many pixels: as fast as a hand can throw it.
STEP_PX: Final = 300


class List(NamedTuple):
    """A long list: its page, what is pressed there, where the hub tells it, and how far it is scrolled."""

    name: str
    page: str
    press: str
    route: str
    scrolled: int


LISTS: Final = (
    List("trades", "/market", "", "/trades", 10_000),
    List("payments asked for", "/money", "Asked for", "/mpesa/intents", 2_000),
    List("payouts", "/money", "Payouts", "/mpesa/payouts", 2_000),
    List("payments in", "/money", "", "/mpesa/receipts", 2_000),
    List("ledger entries", "/ledger", "", "/ledger/entries", 2_000),
    List("an account's statement", "/ledger/trust_cash", "", "/ledger/accounts/trust_cash/statement", 2_000),
    List("refused readings", "/meters", "Refused", "/meters/quarantine", 2_000),
    List("chain intents", "/chain", "", "/chain/intents", 2_000),
    List("audit", "/office", "", "/audit", 2_000),
)
# What the hub tells again and again to whoever has the console open.
POLLED: Final = ("/overview", "/mpesa", "/households", "/meters", "/chain", "/ledger/trial-balance")
SCROLL: Final = """async ([rows, step, name]) => {
  const find = (root) =>
    [...root.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? find(one.shadowRoot) : [])]);
  const box = find(document).find((one) => one.matches(name));
  const count = Number(box.querySelector("table")?.ariaRowCount ?? box.querySelector("li").ariaSetSize);
  const high = box.scrollHeight / count;
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
    most = Math.max(most, box.querySelectorAll("tr, li").length);
    coming += box.querySelector(".coming") === null ? 0 : 1;
  }
  await new Promise((done) => setTimeout(done, 200));
  watch.disconnect();
  return { frames, long, most, coming, all: find(document).length };
}"""


async def page_ms(person: Person, path: str) -> float:
    """Return the least processor time of three answers, in milliseconds; hub and client are this process."""
    least = float("inf")
    for _ in range(3):
        begun = time.process_time()
        answer = await person.get(path)
        assert answer.status == 200, await answer.text()
        await answer.read()
        least = min(least, 1000 * (time.process_time() - begun))
    return least


async def measure_hub(person: Person) -> float:
    """Print what pages cost the hub; return the slowest first page, in milliseconds."""
    sys.stdout.write(f"{'hub, ms of processor time':28}{'first page':>12}{'row 50,000':>12}\n")
    worst = 0.0
    for one in LISTS:
        first, far = (
            await page_ms(person, f"{one.route}?count=1"),
            await page_ms(person, f"{one.route}?skip=50000"),
        )
        worst = max(worst, first)
        sys.stdout.write(f"{one.name:28}{first:12.1f}{far:12.1f}\n")
    for path in POLLED:
        polled = await page_ms(person, path)
        worst = max(worst, polled)
        sys.stdout.write(f"{path:28}{polled:12.1f}\n")
    return worst


async def measure(
    browser: Browser, url: str, cookies: dict[str, str], size: tuple[int, int], what: List
) -> dict[str, Any]:
    """Scroll a list of the hub at ``url`` and return what the browser saw."""
    box = ".trades .long-box" if what.name == "trades" else ".long-box"
    async with browser.page(url, {}, cookies=cookies, size=size) as page:
        await page.goto(f"{url}{what.page}")
        if what.press:
            await page.get_by_role("button", name=what.press, exact=True).click()
        rows = ", ".join(f"{box} {row}:not(.coming)" for row in ("tbody tr", "li"))
        await page.locator(rows).first.wait_for()
        await page.wait_for_load_state("load")
        await asyncio.sleep(2)  # the page's other parts have drawn themselves
        trace, events = await page.context.new_cdp_session(page), list[dict[str, Any]]()
        is_over = asyncio.Event()
        trace.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
        trace.on("Tracing.tracingComplete", lambda _: is_over.set())
        await trace.send("Tracing.start", {"traceConfig": {"includedCategories": ["toplevel", "__metadata"]}})
        seen = dict(await page.evaluate(SCROLL, [what.scrolled, STEP_PX, box]))
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
    """Print the figures; return 1 when a task or a page took the processor for long."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        async with running_long_hub(Path(folder), ROWS) as hub, Browser() as browser:
            person = await hub.admin()
            cookies = {one.key: one.value for one in person.session.cookie_jar}
            slowest = await measure_hub(person)
            for what, (name, size) in product(LISTS, (("desktop", DESKTOP), ("phone", PHONE))):
                seen = await measure(browser, hub.url, cookies, size, what)
                frames, long = sorted(seen["frames"]), seen["long"]
                tasks = seen["tasks"]
                worst = max(worst, tasks[-1])
                median, p99 = statistics.median(frames), frames[int(len(frames) * 0.99)]
                told = (
                    f"{name}: {what.scrolled:,} of {ROWS:,} {what.name} in {len(frames)} frames",
                    f"  a frame: {median:.1f} ms (median), {p99:.1f} (p99), {frames[-1]:.1f} (worst)",
                    f"  over {LONG_TASK_MS} ms by the clock: {len(long)}, worst {max(long, default=0):.0f}",
                    f"  by processor time the longest of {len(tasks):,} tasks: {tasks[-1]:.0f} ms",
                    f"  in the document at most {seen['most']} rows, {seen['all']} elements",
                    f"  frames in which a row was still on its way: {seen['coming']}",
                )
                sys.stdout.write("\n".join(told) + "\n")
    return 1 if worst > LONG_TASK_MS or slowest > MOST_PAGE_MS else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

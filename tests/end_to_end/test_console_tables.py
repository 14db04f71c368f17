"""Lists of 100,000 rows at the console, in Chromium: only what is in sight is there, and it is the right rows."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
import pytest_asyncio
from energy_swap_demo.browser import DESKTOP, Browser, listen_for_errors
from playwright.async_api import Locator, Page, expect

from tests.end_to_end.console_town import AXE, PATIENCE_SECONDS, SMALL_PHONE, faults
from tests.end_to_end.long_books import MEMBERS, running_long_hub
from tests.hub.village import VILLAGE
from tests.hub.web.conftest import Hub

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

ROWS = 100_000
MOST_DRAWN = 120
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with running_long_hub(tmp_path_factory.mktemp("long"), ROWS) as hub:
        yield hub


@asynccontextmanager
async def screen(hub: Hub, browser: Browser, path: str, size: tuple[int, int] = DESKTOP) -> AsyncIterator[Page]:
    person = await hub.admin()
    cookies = {one.key: one.value for one in person.session.cookie_jar}
    async with browser.page(hub.url, {}, cookies=cookies, size=size) as page:
        await page.add_init_script(path=AXE)
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        errors = listen_for_errors(page)
        await page.goto(f"{hub.url}{path}")
        yield page
        assert not errors, errors


async def seen(box: Locator) -> list[tuple[int, str]]:
    """Return the rows that lie wholly in the box: their numbers for a screen reader, and their text."""
    rows: list[dict[str, Any]] = await box.evaluate("""box => {
      const edge = box.getBoundingClientRect();
      return [...box.querySelectorAll("tbody > tr, li")]
        .map((row) => [row, row.getBoundingClientRect()])
        .filter(([, place]) => place.top >= edge.top && place.bottom <= edge.bottom)
        .map(([row]) => ({ at: Number(row.ariaRowIndex ?? row.ariaPosInSet), text: row.innerText }));
    }""")
    return [(row["at"], row["text"]) for row in rows]


def kes(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"


async def all_are_here(box: Locator) -> None:
    await expect(box.locator(".coming")).to_have_count(0)


async def press_and_arrive(page: Page, box: Locator, key: str) -> None:
    """Scroll with a key, to the end of the movement: what is pressed in its midst goes from another place."""
    await box.evaluate("""box => {
      box.arrived = false;
      box.addEventListener("scrollend", () => { box.arrived = true; }, { once: true });
    }""")
    await page.keyboard.press(key)
    await page.wait_for_function("box => box.arrived", arg=await box.element_handle())


async def test_a_hundred_thousand_trades_are_scrolled_through(hub: Hub) -> None:
    async with Browser() as browser, screen(hub, browser, "/market") as page:
        box = page.get_by_label("Trades", exact=True).and_(page.locator(".long-box"))
        table = box.locator("table")
        await expect(table).to_have_attribute("aria-rowcount", str(ROWS + 1))
        await all_are_here(box)
        for part in (0.37, 0.9, 0.371, 1.0, 0.0):
            await box.evaluate("(box, part) => { box.scrollTop = part * box.scrollHeight }", part)
            # The row that lies there by its number is drawn, and all that are drawn came from the hub.
            middle = min(ROWS - 20, max(5, int(part * ROWS)))
            await page.wait_for_function(
                """([box, middle]) => [...box.querySelectorAll("tbody tr")]
                  .some((row) => Math.abs(Number(row.ariaRowIndex) - middle) < 30)""",
                arg=[await box.element_handle(), middle],
            )
            await all_are_here(box)
            rows = await seen(box)
            assert len(rows) > 8, rows
            for at, text in rows:
                # Row 1 is the head; the newest trade, of as many cents as there are trades, is row 2.
                assert kes(ROWS + 2 - at) in text, (at, text)
            assert await table.locator("tr").count() < MOST_DRAWN
        assert rows[0][0] == 2
        assert await faults(page) == []


async def test_a_list_is_read_with_keys_and_each_row_says_which_it_is(hub: Hub) -> None:
    async with Browser() as browser, screen(hub, browser, "/market") as page:
        box = page.get_by_label("Trades", exact=True).and_(page.locator(".long-box"))
        # Nothing can be scrolled before the hub has told how long the list is.
        await expect(box.locator("table")).to_have_attribute("aria-rowcount", str(ROWS + 1))
        await expect(box.locator('tr[aria-rowindex="2"]')).to_contain_text(kes(ROWS))
        await box.focus()
        await press_and_arrive(page, box, "End")
        await expect(box.locator(f'tr[aria-rowindex="{ROWS + 1}"]')).to_contain_text(kes(1))
        await press_and_arrive(page, box, "PageUp")
        await expect(box.locator(f'tr[aria-rowindex="{ROWS + 1 - 20}"]')).to_contain_text(kes(21))
        await all_are_here(box)
        assert ROWS + 1 not in dict(await seen(box))
        # A link in a row is reached by Tab; when its row goes out of sight, the list itself is where one is.
        await page.keyboard.press("Tab")
        await expect(box.locator("a:focus")).to_have_count(1)
        await box.evaluate("box => { box.scrollTop = 0 }")
        await expect(box.locator('tr[aria-rowindex="2"]')).to_contain_text(kes(ROWS))
        await expect(box).to_be_focused()


async def test_rows_of_any_height_are_scrolled_on_a_phone_and_new_ones_move_nothing(hub: Hub) -> None:
    async with Browser() as browser, screen(hub, browser, "/office", SMALL_PHONE) as page:
        box = page.locator("es-office .long-box")
        with closing(sqlite3.connect(hub.config.data / "hub.sqlite")) as database:
            (acts_ever,) = database.execute("SELECT count(*) FROM audit").fetchone()
        await expect(box.locator("li").first).to_have_attribute("aria-setsize", str(acts_ever))
        await box.evaluate("box => { box.scrollTop = box.scrollHeight / 2 }")
        await expect(box.locator("li.coming")).to_have_count(0)
        await expect(box.locator('li[aria-posinset="3"]')).to_have_count(0)
        # Rows above are higher than was thought until they were seen: what is in sight stays when they come.
        for _ in range(12):
            rows = await seen(box)
            acts = [int(text.rsplit("act ", 1)[1]) for _, text in rows]
            assert acts == list(range(acts[0], acts[0] - len(acts), -1))
            await box.evaluate("box => { box.scrollTop -= 300 }")
            await all_are_here(box)
            later = {int(text.rsplit("act ", 1)[1]) for _, text in await seen(box)}
            assert min(later) - 1 <= acts[0] < max(later), (acts, later)
        assert await box.locator("li").count() < MOST_DRAWN
        assert await page.evaluate("() => document.documentElement.scrollWidth") == SMALL_PHONE[0]
        assert await faults(page) == []

        first = (await seen(box))[0]
        with closing(sqlite3.connect(hub.config.data / "hub.sqlite", timeout=30)) as database, database:
            for number in range(3):
                values = (VILLAGE, (hub.now + number) * 1_000_000, "office", "added", f"new {number}")
                database.execute(
                    "INSERT INTO audit (community_id, at, who, what, subject) VALUES (?, ?, ?, ?, ?)", values
                )
        await box.evaluate("box => box.closest('es-long-rows').list.refresh()")  # as it does every 15 seconds
        await expect(box.locator("li").first).to_have_attribute("aria-setsize", str(acts_ever + 3))
        rows = await seen(box)
        assert (first[0] + 3, first[1]) in rows, (first, rows)
        await box.evaluate("box => { box.scrollTop = 0 }")
        await expect(box.locator('li[aria-posinset="1"]')).to_contain_text("new 2")
        await expect(box.locator('li[aria-posinset="4"]')).to_contain_text("signed in")


async def test_households_are_found_chosen_sorted_and_scrolled_through(hub: Hub) -> None:
    async with Browser() as browser, screen(hub, browser, "/households") as page:
        box = page.locator("es-households .long-box")
        rows = box.locator("tbody tr")
        await expect(box.locator("table")).to_have_attribute("aria-rowcount", str(MEMBERS + 5))
        await expect(rows.first).to_contain_text("Amina")
        await box.evaluate("box => { box.scrollTop = box.scrollHeight / 2 }")
        await expect(box.locator(f'tr[aria-rowindex="{MEMBERS // 2 + 6}"]')).to_contain_text(
            f"Former {MEMBERS // 2 + 1}h"
        )
        assert await rows.count() < MOST_DRAWN

        wallet = page.get_by_role("columnheader", name="Wallet")
        name = page.get_by_role("columnheader", name="Household")
        await name.get_by_role("button").click()
        await expect(name).to_have_attribute("aria-sort", "ascending")
        await expect(rows.nth(4)).to_contain_text("Former 1h-005")
        await expect(rows.nth(5)).to_contain_text("Former 10h-014")
        await name.get_by_role("button").click()
        await expect(name).to_have_attribute("aria-sort", "descending")
        await expect(rows.first).to_contain_text("Former 999")
        await wallet.get_by_role("button").click()
        await expect(wallet).to_have_attribute("aria-sort", "descending")

        which = page.get_by_label("Which of them")
        await expect(which.locator("option").nth(0)).to_have_text(f"All ({MEMBERS + 4:,})")
        await which.select_option(label="Admitted (4)")
        await expect(rows).to_have_count(4)
        await which.select_option(index=0)
        await page.get_by_label("Find a household").fill("former 12")
        await expect(which.locator("option").nth(0)).to_have_text("All (111)")
        await page.get_by_label("Find a household").fill("nobody at all")
        await expect(page.get_by_text("No household matches.")).to_be_visible()
        await page.get_by_label("Find a household").fill("h-1234")
        await expect(rows).to_have_count(1)
        await rows.get_by_role("button").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Former 1230")
        assert await faults(page) == []


async def test_meters_and_connections_are_chosen_on_a_phone(hub: Hub) -> None:
    async with Browser() as browser, screen(hub, browser, "/meters", SMALL_PHONE) as page:
        box = page.locator("es-meters .long-box")
        await expect(box.locator("table")).to_have_attribute("aria-rowcount", str(MEMBERS + 5))
        await page.get_by_label("Sort by").select_option(label="Household")
        await expect(box.locator("tbody tr").nth(4)).to_contain_text("Former 1")
        await page.get_by_label("Which of them").select_option(label="Refused (4)")
        await expect(box.locator("tbody tr")).to_have_count(4)
        assert await page.evaluate("() => document.documentElement.scrollWidth") == SMALL_PHONE[0]
        await page.get_by_role("button", name="Connections").click()
        relays = page.locator("es-relays .long-box li")
        await expect(relays.first).to_have_attribute("aria-setsize", str(MEMBERS + 4))
        await page.get_by_label("Find a household").fill("amina")
        await expect(relays).to_have_count(1)
        await expect(relays).to_contain_text("No relay")
        assert await faults(page) == []

"""The page and its cards for those who do not see them, or who have no pointer."""

from pathlib import Path

import pytest
from energy_swap_demo.browser import DESKTOP, Browser
from energy_swap_demo.home_assistant import PATIENCE_SECONDS
from playwright.async_api import Page

from tests.custom_components.edge_records import records
from tests.custom_components.household import Household

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]
AXE = Path(__file__).parents[2] / "hub/console/node_modules/axe-core/axe.min.js"
SMALL_PHONE = (360, 2600)
# Of what axe-core finds in our elements, that which keeps people out.
FAULTS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id} at ${node.target.flat()}: ${node.failureSummary}`))
  .filter((fault) => fault.includes("energy-swap-"))"""
# What has the focus, through all shadow roots: the card or dialog, and what it says of itself.
FOCUSED = """() => {
  let owner = "", at = document.activeElement;
  while (at?.shadowRoot?.activeElement) [owner, at] = [at.localName, at.shadowRoot.activeElement];
  const root = at.getRootNode();
  const said = at.getAttribute("aria-label") ?? (root.querySelector(`label[for="${at.id}"]`) ?? at).innerText;
  return `${owner.replace("energy-swap-", "")}: ${said.trim()}`;
}"""


async def open_page(household: Household, page: Page) -> None:
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    await page.add_init_script(path=AXE)
    await page.goto(household.home.page)
    for card in ("market", "forecast"):
        await page.wait_for_selector(f"energy-swap-{card}-card .now", state="attached")
    for seen in ("energy-swap-history-card .row", "energy-swap-market-card energy-swap-order-book li"):
        await page.locator(seen).first.wait_for(state="attached")


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, SMALL_PHONE], ids=["desktop", "phone"])
async def test_nothing_on_the_page_keeps_people_out(
    household: Household, browser: Browser, size: tuple[int, int], is_dark: bool
) -> None:
    household.edge.records = records()
    storage = await household.home.browser_storage()
    async with browser.page(household.home.page, storage, size=size, is_dark=is_dark) as page:
        await open_page(household, page)
        assert await page.evaluate(FAULTS) == []
        household.edge.refusal = {"code": "not_enough", "message": "the wallet has 100 Wh free"}
        await page.click("energy-swap-market-card .actions button:text-is('Sell')")
        await page.click("energy-swap-form-dialog button.primary")
        await page.wait_for_selector("energy-swap-form-dialog >> text=the wallet has 100 Wh free")
        assert await page.evaluate(FAULTS) == []


async def test_a_sale_is_made_without_a_pointer(household: Household, browser: Browser) -> None:
    household.edge.records = records()
    async with browser.page(household.home.page, await household.home.browser_storage()) as page:
        await open_page(household, page)

        async def press(*keys: str) -> str:
            for key in keys:
                await page.keyboard.press(key)
            return str(await page.evaluate(FOCUSED))

        async def has_focus(wanted: str) -> None:
            await page.wait_for_function(f"wanted => ({FOCUSED})() === wanted", arg=wanted)

        await page.locator("energy-swap-money-card button").first.focus()
        ways = ["money-card: Top up"]
        while not ways[-1].startswith("history-card"):
            ways.append(await press("Tab"))
            assert len(ways) < 30, ways
        assert ways == [
            "money-card: Top up",
            "money-card: Pay out",
            "chart: Price per kWh yesterday, today and as expected",
            "market-card: Sell",
            "market-card: Buy",
            "market-card: My two prices",
            "market-card: Take back",
            "forecast-card: Surplus",
            "forecast-card: Sun",
            "forecast-card: Use",
            "chart: Surplus for the next two days, with the band of what is likely",
            "history-card: History",
        ]
        for button, opened_by in {"Buy": "Enter", "Sell": "Space"}.items():
            await page.locator(f"energy-swap-market-card .actions button:text-is('{button}')").focus()
            await page.keyboard.press(opened_by)
            await has_focus("form-dialog: Energy")
            await page.keyboard.press("Escape")
            await page.locator("energy-swap-form-dialog").wait_for(state="detached")
            assert await page.evaluate(FOCUSED) == f"market-card: {button}"
        await page.keyboard.press("Enter")
        await has_focus("form-dialog: Energy")
        await page.keyboard.type("0.5")  # what stands in the field is marked
        assert await press("Tab") == "form-dialog: Sell for at least"
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type("12.5")
        assert await press("Tab") == "form-dialog: Sell"
        assert await press("Tab") == "form-dialog: Cancel"
        assert await press("Shift+Tab") == "form-dialog: Sell"
        await page.keyboard.press("Space")
        await page.wait_for_selector("text=500 Wh rest in the market")
        assert household.edge.commands[-1] == {"command": "sell", "wh": 500, "at_least": 1_250}
        await has_focus("form-dialog: Close")
        await page.keyboard.press("Enter")
        await page.locator("energy-swap-form-dialog").wait_for(state="detached")
        assert await page.evaluate(FOCUSED) == "market-card: Sell"

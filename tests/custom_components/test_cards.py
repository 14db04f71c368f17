"""The cards, the page and the dashboard strategy in a real Home Assistant, looked at and used in Chromium."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from energy_swap_demo.browser import DESKTOP, PHONE, Browser
from energy_swap_demo.dashboards import make_dashboard
from energy_swap_demo.home_assistant import PANEL
from playwright.async_api import Route

from tests.custom_components.edge_records import records
from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")
WORDS = Path(__file__).parents[2] / "cards" / "src" / "words"
SMALL_PHONE = (360, 2600)  # as long as the page, whose rows exist only where they are seen


async def test_the_page_is_in_the_sidebar(household: Household) -> None:
    found: dict[str, Any] = await household.home.command("get_panels")
    assert found[PANEL]["title"] == "Energy Swap"


@pytest.mark.parametrize(("size", "is_dark"), [(DESKTOP, False), (SMALL_PHONE, True)])
async def test_the_page_shows_money_first_then_market_forecast_and_history(
    household: Household, browser: Browser, tmp_path: Path, size: tuple[int, int], is_dark: bool
) -> None:
    household.edge.records = records()
    picture = await browser.picture(
        household.home.page,
        tmp_path / "page.png",
        local_storage=await household.home.browser_storage(),
        size=size,
        is_dark=is_dark,
        wait_for="text=200 periods",
    )
    assert picture.errors == ()
    lines = picture.text.splitlines()
    for wanted in (
        "KES 1,234.50",
        "+42.10",
        "7.25 kWh",
        "Gives 1.85 kW to the neighbours now",
        "17.35",
        "15 % below the week",
        "Neighbours offer",
        "Sells 500 Wh for at least 12.00",
        "To spare today",
        "From this home's own days, without weather. Made at",
        "sold 800 Wh",
    ):
        assert any(wanted in line for line in lines), wanted
    lines = lines[lines.index("Your money") :]  # after Home Assistant's own sidebar
    assert lines.index("KES 1,234.50") < lines.index("Market") < lines.index("Forecast") < lines.index("History")


async def test_a_sale_is_made_in_the_dialog_and_a_refusal_shown_in_it(
    household: Household, browser: Browser
) -> None:
    edge = household.edge
    edge.records = records()
    async with browser.page(household.home.page, await household.home.browser_storage(), size=PHONE) as page:
        await page.goto(household.home.page)
        await page.click("energy-swap-market-card >> text=Sell")
        dialog = page.locator("energy-swap-form-dialog")
        await dialog.locator("#energy").fill("0.5")
        await dialog.locator("#minimum_price").fill("12.5")
        assert await dialog.locator(".sum").inner_text() == "At least KES 6.25"
        edge.refusal = {"code": "not_enough", "message": "the wallet has 100 Wh free"}
        await dialog.locator("button.primary").click()
        await page.wait_for_selector("text=the wallet has 100 Wh free")
        edge.refusal = None
        await dialog.locator("button.primary").click()
        await page.wait_for_selector("text=500 Wh rest in the market")
        assert edge.commands[-1] == {"command": "sell", "wh": 500, "at_least": 1_250}
        await dialog.locator("text=Close").click()
        await page.click("energy-swap-market-card >> text=Take back")
        while edge.commands[-1]["command"] != "cancel_order":
            edge.command_came.clear()
            await edge.command_came.wait()


async def test_the_dialog_of_ones_prices_begins_with_those_that_hold(
    household: Household, browser: Browser
) -> None:
    """An empty field ends trading on that side, so nothing may be empty by mistake."""
    async with browser.page(household.home.page, await household.home.browser_storage(), size=PHONE) as page:
        await page.goto(household.home.page)
        await page.click("energy-swap-market-card >> text=My two prices")
        dialog = page.locator("energy-swap-form-dialog")
        assert await dialog.locator("#sell_at_least").input_value() == "14"
        assert await dialog.locator("#buy_at_most").input_value() == "22.5"
        await dialog.locator("#sell_at_least").fill("15.25")
        await dialog.locator("button.primary").click()
        await dialog.locator("text=Close").click()
    assert household.edge.commands == [{"command": "set_limits", "sell_at_least": 1_525, "buy_at_most": 2_250}]


async def test_the_cards_take_the_time_from_the_edge(household: Household, browser: Browser) -> None:
    """A community may live in a time of its own, as the demo does."""
    a_spring = 1_780_000_000.0
    household.edge.records = records(at=a_spring)
    async with browser.page(household.home.page, await household.home.browser_storage()) as page:
        await page.goto(household.home.page)
        for card in ("market", "forecast"):
            await page.wait_for_selector(f"energy-swap-{card}-card .now", state="attached")
    assert ("prices", {}) in household.edge.questions


async def test_ten_thousand_periods_are_a_few_rows_in_the_page(household: Household, browser: Browser) -> None:
    household.edge.records = records(10_000)
    async with browser.page(household.home.page, await household.home.browser_storage()) as page:
        await page.goto(household.home.page)
        await page.wait_for_selector("text=10,000 periods")
        rows = page.locator("energy-swap-history-card .row")
        assert 5 < await rows.count() < 60
        scroller = page.locator("energy-swap-history-card .list")
        await scroller.evaluate("scroller => { scroller.scrollTop = 9000 * 52 }")
        await page.wait_for_selector(f"text={amount(1_200 + 9_005)}")
        assert 5 < await rows.count() < 60


def amount(cents: int) -> str:
    return f"+{cents / 100:,.2f}"


async def test_a_dashboard_makes_itself_from_the_cards(household: Household, browser: Browser) -> None:
    household.edge.records = records()
    url = await make_dashboard(household.home)
    async with browser.page(url, await household.home.browser_storage()) as page:
        await page.goto(url)
        await page.wait_for_selector("text=200 periods")
        for card in ("money", "market", "forecast", "history"):
            assert await page.locator(f"energy-swap-{card}-card").count() == 1


async def test_the_cards_are_there_however_late_home_assistants_own_script_comes(
    household: Household, browser: Browser
) -> None:
    """It replaces the registry of elements: what is defined before, it would never know."""
    household.edge.records = records()
    url = await make_dashboard(household.home)
    ours = asyncio.Event()

    async def hold(route: Route) -> None:
        await ours.wait()
        await route.continue_()

    async with browser.page(url, await household.home.browser_storage()) as page:
        page.on("requestfinished", lambda request: ours.set() if "energy-swap.js" in request.url else None)
        await page.route("**/frontend_latest/app.*.js", hold)
        await page.goto(url)
        await page.wait_for_selector("text=200 periods")


async def test_the_cards_speak_swahili_where_the_browser_asks_for_it(
    household: Household, browser: Browser
) -> None:
    household.edge.records = records()
    storage = await household.home.browser_storage()
    async with browser.page(household.home.page, storage, locale="sw-KE") as page:
        await page.goto(household.home.page)
        await page.wait_for_selector("text=Pesa zako")
        await page.wait_for_selector("text=Uza sasa: jirani analipa KES 15.20 kwa kWh")  # the advice, and why
        await page.click("energy-swap-market-card >> text=Uza")
        dialog = page.locator("energy-swap-form-dialog")
        await dialog.locator("#energy").fill("0.5")
        await dialog.locator("#minimum_price").fill("12.5")
        numbers = {"have_wh": 100, "need_wh": 500}
        household.edge.refusal = {
            "code": "not_enough",
            "message": "-",
            "key": "too_few_tokens",
            "numbers": numbers,
        }
        await dialog.locator("button.primary").click()
        await page.wait_for_selector("text=Una kWh 0.1 za kuuza na hii inahitaji kWh 0.5.")
        shown = " ".join([await card.inner_text() for card in await page.locator("ha-card").all()])
    assert [sentence for sentence in english_sentences() if sentence in shown] == []


def english_sentences() -> list[str]:
    """Return what the cards say in English in three words or more, without its blanks."""
    words = re.findall(r'^  \w+: "(.*)",$', (WORDS / "en.ts").read_text(), re.MULTILINE)
    parts = [part.strip() for text in words for part in re.split(r"{[^}]*}", text)]
    found = [part for part in parts if len(part.split()) > 2]
    assert len(found) > 30
    return found

"""The household app in a browser: pair it as a person does, and take the documentation's pictures of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import ConsoleMessage, Page, expect

from .browser import TEXT_SCRIPT, Browser, Picture

PIN: Final = "240718"
PHONE: Final = (390, 844)
DESKTOP: Final = (1280, 900)
_PATIENCE: Final = 120_000.0  # milliseconds
_CARD: Final = "main .card"
_LOADING: Final = "main .empty[role=status]"


@dataclass(frozen=True, slots=True)
class View:
    """One picture of the app: its file, the tab, the screen, and how it is shown."""

    file: str
    tab: str
    size: tuple[int, int] = PHONE
    is_dark: bool = False
    is_swahili: bool = False


VIEWS: Final = (
    View("app-home.png", "home"),
    View("app-trade.png", "trade"),
    View("app-money.png", "money"),
    View("app-neighbours.png", "neighbours"),
    View("app-more.png", "more"),
    View("app-home-dark.png", "home", is_dark=True),
    View("app-home-swahili.png", "home", is_swahili=True),
    View("app-desktop.png", "home", DESKTOP),
)


async def pair_phone(page: Page, phones_url: str, number: str, pin: str = PIN) -> None:
    """Pair the app that is open on ``page``: the code is read on the simulated phone's page."""
    async with _new_code(page, phones_url, number) as code:
        await page.get_by_label("Your M-Pesa number").fill(f"0{number[3:]}")
        await page.get_by_role("button", name="Send me a code").click()
        await page.get_by_label("Code from the SMS").fill(await code())
    await page.get_by_label("Choose a PIN").fill(pin)
    await page.get_by_label("The same PIN again").fill(pin)
    await page.get_by_role("button", name="Pair this phone").click()
    await page.wait_for_selector("[data-test=wallet]")


async def picture_app(
    browser: Browser, hub_url: str, phones_url: str, number: str, output: Path
) -> AsyncIterator[Picture]:
    """Pair a phone with the household of ``number`` and yield each picture of `VIEWS`."""
    async with _paired(browser, hub_url, phones_url, number) as (page, errors):
        for view in VIEWS:
            await page.set_viewport_size({"width": view.size[0], "height": view.size[1]})
            await page.emulate_media(color_scheme="dark" if view.is_dark else "light", reduced_motion="reduce")
            if view.is_swahili:
                await page.get_by_role("button", name="Kiswahili").click()
            await page.locator(f"nav a[href='#{view.tab}']").click()
            await page.wait_for_selector(f"nav a[href='#{view.tab}'][aria-current=page]")
            await page.wait_for_selector(_CARD)
            await expect(page.locator(_LOADING)).to_have_count(0, timeout=_PATIENCE)
            await page.wait_for_load_state("networkidle")
            path = output / view.file
            path.parent.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=path)
            yield Picture(path, str(await page.evaluate(TEXT_SCRIPT)), tuple(errors))
            if view.is_swahili:
                await page.get_by_role("button", name="English").click()


@asynccontextmanager
async def _paired(
    browser: Browser, hub_url: str, phones_url: str, number: str
) -> AsyncIterator[tuple[Page, list[str]]]:
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    async with browser.page(hub_url, {}, size=PHONE) as page:
        page.set_default_timeout(_PATIENCE)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{hub_url}/app")
        await pair_phone(page, phones_url, number)
        yield page, errors


@asynccontextmanager
async def _new_code(page: Page, phones_url: str, number: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Yield what waits for a simulated phone's next code; its SMS comes after the hub's answer."""
    phone = await page.context.new_page()
    phone.set_default_timeout(_PATIENCE)
    await phone.goto(f"{phones_url}/_simulator/phone/{number}")
    codes = phone.locator(".sms", has_text="is your Energy Swap code")
    before = await codes.count()

    async def code() -> str:
        await expect(codes).to_have_count(before + 1, timeout=_PATIENCE)
        text = await codes.first.inner_text()
        return next(word for word in text.split() if word.isdecimal() and len(word) == 6)

    yield code
    await phone.close()

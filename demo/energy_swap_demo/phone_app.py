"""The household app in a browser: pair it as a person does, and take the documentation's pictures of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Page, expect

from .browser import TEXT_SCRIPT, Browser, listen_for_errors
from .sheets import Screen, Sheet, seen_at

PIN: Final = "240718"
PHONE: Final = (360, 800)
DESKTOP: Final = (1280, 1000)
_PATIENCE: Final = 120_000.0  # milliseconds
_CARD: Final = "main .card"
_LOADING: Final = "main .empty[role=status]"


@dataclass(frozen=True, slots=True)
class View:
    """How the app is looked at."""

    screen: Screen
    language: str = "English"


TABS: Final = ("home", "trade", "money", "neighbours", "more")
VIEWS: Final = (
    View(Screen("phone", PHONE, is_dark=False)),
    View(Screen("phone-dark", PHONE, is_dark=True)),
    View(Screen("phone-swahili", PHONE, is_dark=False), "Kiswahili"),
    View(Screen("desk", DESKTOP, is_dark=False)),
    View(Screen("desk-dark", DESKTOP, is_dark=True)),
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


async def picture_app(browser: Browser, hub_url: str, phones_url: str, number: str) -> AsyncIterator[Sheet]:
    """Pair a phone with the household of ``number`` and yield a sheet of each tab, as all of `VIEWS` show it."""
    async with _paired(browser, hub_url, phones_url, number) as (page, errors):
        for tab in TABS:
            pictures, texts = [], []
            for view in VIEWS:
                await _look_at(page, tab, view)
                pictures.append(await seen_at(page, view.screen))
                texts.append(str(await page.evaluate(TEXT_SCRIPT)))
            yield Sheet(tab, tuple(pictures), "\n".join(texts), tuple(errors))


async def _look_at(page: Page, tab: str, view: View) -> None:
    width, height = view.screen.size
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme="dark" if view.screen.is_dark else "light", reduced_motion="reduce")
    other = page.get_by_role("button", name=view.language, exact=True)  # it names the language that is not shown
    if await other.count():
        await other.click()
    await page.locator(f"nav a[href='#{tab}']").click()
    await page.wait_for_selector(f"nav a[href='#{tab}'][aria-current=page]")
    await page.wait_for_selector(_CARD)
    await expect(page.locator(_LOADING)).to_have_count(0, timeout=_PATIENCE)
    await page.wait_for_load_state("networkidle")


@asynccontextmanager
async def _paired(
    browser: Browser, hub_url: str, phones_url: str, number: str
) -> AsyncIterator[tuple[Page, list[str]]]:
    async with browser.page(hub_url, {}, size=PHONE) as page:
        page.set_default_timeout(_PATIENCE)
        errors = listen_for_errors(page)
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

"""Pictures of the hub's console: every page on a desk and on a telephone, by day and by night."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from playwright.async_api import Page

from .browser import TEXT_SCRIPT, Browser, listen_for_errors
from .sheets import Screen, Sheet, seen_at

DESK: Final = (1280, 1000)
TELEPHONE: Final = (360, 800)
SCREENS: Final = (
    Screen("desk", DESK, is_dark=False),
    Screen("desk-dark", DESK, is_dark=True),
    Screen("telephone", TELEPHONE, is_dark=False),
    Screen("telephone-dark", TELEPHONE, is_dark=True),
)
PAGES: Final = (
    "live",
    "households",
    "market",
    "ledger",
    "money",
    "meters",
    "chain",
    "reviews",
    "settings",
    "office",
)
_PATIENCE_MS: Final = 120_000
_LOADING: Final = "Loading"  # what stands where the hub's answer is awaited


async def picture_console(
    browser: Browser, url: str, cookies: Mapping[str, str], household: str
) -> AsyncIterator[Sheet]:
    """Yield a sheet of each page, of a household's details, and of the page that asks who one is."""
    places = {name: "/" if name == "live" else f"/{name}" for name in PAGES}
    places["household"] = f"/households/{household}"
    for name, path in places.items():  # the badge is there once the live feed is, and the names with it
        yield await _sheet(browser, name, url + path, cookies, ".badge")
    yield await _sheet(browser, "sign-in", url, {}, "es-sign-in form")


async def _sheet(browser: Browser, name: str, url: str, cookies: Mapping[str, str], there: str) -> Sheet:
    pictures, texts, errors = [], [], []
    for screen in SCREENS:
        async with browser.page(url, {}, cookies=cookies, size=screen.size, is_dark=screen.is_dark) as page:
            page.set_default_timeout(_PATIENCE_MS)
            complaints = listen_for_errors(page)
            await page.goto(url)
            await page.wait_for_selector(there)
            await _settle(page)
            pictures.append(await seen_at(page, screen))
            texts.append(str(await page.evaluate(TEXT_SCRIPT)))
            errors += complaints
    return Sheet(name, tuple(pictures), "\n".join(texts), tuple(errors))


async def _settle(page: Page) -> None:
    """Wait until the page has all that it asked for, and has drawn it."""
    await page.wait_for_load_state("networkidle")
    await page.wait_for_function(f"() => !({TEXT_SCRIPT})().includes('{_LOADING}')")
    await page.wait_for_timeout(700)  # charts and the map move into their places

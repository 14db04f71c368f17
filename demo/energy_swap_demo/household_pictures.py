"""Pictures of a household's Home Assistant: cards, page and dialogs on four screens, forms, actions, blueprints.

What differs by screen is put side by side in one picture: a desk and a telephone of 360 px, by day and by night.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page

from .browser import Browser
from .dashboards import make_card_dashboard, make_dashboard, make_energy_dashboard
from .happenings import NAIROBI
from .home_assistant import HomeAssistant
from .households import COMMUNITY_START
from .sheets import Screen, seen, side_by_side, trimmed

BLUEPRINTS: Final = Path(__file__).parents[2] / "blueprints" / "automation" / "energy_swap"
DESK: Final = (1280, 1000)
TELEPHONE: Final = (360, 3000)  # as long as the page: rows of the history exist only where they are seen
_CARDS: Final = ("money", "market", "forecast", "history")
_DIALOGS: Final = {
    "sell": ("market", "Sell"),
    "buy": ("market", "Buy"),
    "prices": ("market", "My two prices"),
    "top-up": ("money", "Top up"),
    "pay-out": ("money", "Pay out"),
}
SCREENS: Final = (
    Screen("desk", DESK, is_dark=False),
    Screen("desk-dark", DESK, is_dark=True),
    Screen("telephone", TELEPHONE, is_dark=False),
    Screen("telephone-dark", TELEPHONE, is_dark=True),
)


FORM: Final = Screen("form", (1000, 820), is_dark=False)
LONG: Final = Screen("long", (1000, 2400), is_dark=False)
ENERGY: Final = Screen("energy", (1280, 1350), is_dark=False)
WIDE: Final = Screen("wide", (1560, 2700), is_dark=False)
SIDEBAR: Final = 256
PATIENCE_MS: Final = 180_000
# Home Assistant gives what a dashboard needs a few seconds to load; on a busy machine a person reloads.
LOADS, LOAD_MS = 4, 20_000
PRESS_CONFIGURE: Final = "buttons => buttons.find(button => button.label === 'Configure').click()"
# What a person answers to a blueprint's questions: our entities by their keys, and other things.
BLUEPRINT_ENTITIES: Final = {
    "recommendation": "recommendation",
    "balance": "token_balance",
    "suggested_price": "suggested_sell_price",
    "surplus_tomorrow": "surplus_tomorrow",
    "price_against_week": "price_against_week",
    "kes_balance": "kes_balance",
    "surplus_power": "surplus_power",
}
BLUEPRINT_ANSWERS: Final[Mapping[str, Any]] = {
    "notify": "notify.mobile_app_aminas_phone",
    "load": {"entity_id": "switch.water_heater"},
    "relay": "switch.water_heater",
}


# What those answers name beside our entities, as Home Assistant's extra configuration: a switch without hardware.
BLUEPRINT_LOAD: Final = """\
template:
  - switch:
      - name: Water heater
        unique_id: water_heater
        icon: mdi:water-boiler
        turn_on: []
        turn_off: []
"""


class HouseholdPictures:
    """Takes the pictures of one household that is set up."""

    def __init__(self, home: HomeAssistant, browser: Browser, entry_id: str) -> None:
        self._home = home
        self._browser = browser
        self._entry_id = entry_id
        self._storage: Mapping[str, str] = {}

    async def take_all(self) -> AsyncIterator[tuple[str, Image.Image]]:
        """Give every picture with its file's name, without ending."""
        self._storage = await self._home.browser_storage()
        for take in (self._screens, self._dashboards, self._forms, self._actions, self._blueprints):
            for name, picture in (await take()).items():
                yield name, picture

    @contextlib.asynccontextmanager
    async def _open(self, path: str, screen: Screen = SCREENS[0]) -> AsyncIterator[Page]:
        url = f"{self._home.url}{path}"
        async with self._browser.page(url, self._storage, size=screen.size, is_dark=screen.is_dark) as page:
            page.set_default_timeout(PATIENCE_MS)
            await page.goto(url)
            yield page

    async def _screens(self) -> dict[str, Image.Image]:
        """Cards, page and dialogs, each on all screens."""
        by_name: dict[str, list[Image.Image]] = {}
        for screen in SCREENS:
            async with self._open(self._home.page.removeprefix(self._home.url), screen) as page:
                for card in ("market", "forecast"):
                    await page.wait_for_selector(f"energy-swap-{card}-card .now", state="attached")
                await page.wait_for_selector("energy-swap-history-card .row")
                await _settle(page)
                whole = await seen(page)
                if screen.size == TELEPHONE:
                    whole = trimmed(whole)
                by_name.setdefault("page" if screen.size == DESK else "page-telephone", []).append(whole)
                for card in _CARDS:
                    picture = await seen(page.locator(f"energy-swap-{card}-card"))
                    by_name.setdefault(f"card-{card}", []).append(picture)
                for name, (card, button) in _DIALOGS.items():
                    await page.click(f"energy-swap-{card}-card .actions button:text-is('{button}')")
                    dialog = page.locator("energy-swap-form-dialog dialog")
                    by_name.setdefault(f"dialog-{name}", []).append(await seen(dialog))
                    await dialog.locator("button:text-is('Cancel')").click()
        return {name: side_by_side(pictures) for name, pictures in by_name.items()}

    async def _dashboards(self) -> dict[str, Image.Image]:
        """The Energy dashboard with neighbours and utility, one that makes itself, and the editor of a card."""
        found: dict[str, Image.Image] = {}
        day = f"{COMMUNITY_START.astimezone(NAIROBI):%-d %b}"
        energy = (await make_energy_dashboard(self._home, self._entry_id)).removeprefix(self._home.url)
        async with self._open(energy, ENERGY) as page:
            period = page.locator("hui-energy-period-selector")
            title, back = period.locator(".header-title"), period.locator(".date-actions ha-icon-button").first
            while (shown := (await title.inner_text()).strip()) != day:  # the neighbourhood's day is long past
                await back.click()
                await title.filter(has_not_text=shown).wait_for()
            await _settle(page)
            found["dashboard-energy"] = (await seen(page)).crop((SIDEBAR, 56, *ENERGY.size))
        made = (await make_dashboard(self._home)).removeprefix(self._home.url)
        async with self._open(made) as page:
            await _until_loaded(page, f"{self._home.url}{made}", page.locator("energy-swap-market-card .now"))
            await _settle(page)
            found["dashboard-itself"] = await seen(page)
        cards = (await make_card_dashboard(self._home, "market")).removeprefix(self._home.url)
        async with self._open(f"{cards}/0?edit=1") as page:
            edit = page.locator("hui-card-options ha-button", has_text="Edit")
            await _until_loaded(page, f"{self._home.url}{cards}/0?edit=1", edit)
            await edit.click()
            await page.wait_for_selector("hui-dialog-edit-card", state="attached")
            await _settle(page)
            found["card-editor"] = await seen(page)
        return found

    async def _forms(self) -> dict[str, Image.Image]:
        """What a person fills in to set up, and where the entities are found."""
        found: dict[str, Image.Image] = {}
        integration = "/config/integrations/integration/energy_swap"
        for name, opened_by in {
            "form-add": "ha-button:has-text('Add service')",
            "form-standing-offer": "ha-button:has-text('Add standing offer')",
            "form-extra-meter": "ha-button:has-text('Add extra meter')",
            "form-preferences": "",
        }.items():
            async with self._open(integration, FORM) as page:
                if opened_by:
                    await page.click(opened_by)
                else:
                    await page.wait_for_selector("ha-config-entry-row ha-icon-button")
                    await page.locator("ha-config-entry-row ha-icon-button").evaluate_all(PRESS_CONFIGURE)
                await page.wait_for_selector("step-flow-form ha-form")
                await _settle(page)
                found[name] = await seen(page)
        devices = await self._home.command("config/device_registry/list")
        device = next(one["id"] for one in devices if self._entry_id in one["config_entries"])
        async with self._open(f"/config/devices/device/{device}", WIDE) as page:
            await page.wait_for_selector("ha-device-entities-card")
            await _settle(page)
            found["entities"] = trimmed((await seen(page)).crop((SIDEBAR, 56, *WIDE.size)))
        return found

    async def _actions(self) -> dict[str, Image.Image]:
        """The form of each action, as a person finds it among the tools."""
        found: dict[str, Image.Image] = {}
        for action in sorted((await self._home.command("get_services"))["energy_swap"]):
            async with self._open(f"/config/tools/action?service=energy_swap.{action}", LONG) as page:
                await page.wait_for_selector("ha-service-control ha-service-picker")
                await _settle(page)
                found[f"action-{action}"] = await seen(page.locator("tools-action ha-card").first)
        return found

    async def _blueprints(self) -> dict[str, Image.Image]:
        """Each blueprint as it is filled in."""
        of = await self._home.entities(self._entry_id)
        found: dict[str, Image.Image] = {}
        for file in sorted(BLUEPRINTS.glob("*.yaml")):
            path = f"energy_swap/{file.name}"
            await self._home.command(
                "blueprint/save", domain="automation", path=path, yaml=file.read_text(), allow_override=True
            )
            wanted = re.findall(r"^    (\w+):$", file.read_text().partition("\n  input:\n")[2], re.MULTILINE)
            filled = {name: of[key] for name, key in BLUEPRINT_ENTITIES.items() if name in wanted}
            filled |= {name: value for name, value in BLUEPRINT_ANSWERS.items() if name in wanted}
            config = {"alias": file.stem, "use_blueprint": {"path": path, "input": filled}}
            await self._home.request("POST", f"config/automation/config/{file.stem}", config)
            async with self._open(f"/config/automation/edit/{file.stem}", LONG) as page:
                await page.wait_for_selector("blueprint-automation-editor ha-settings-row")
                await _settle(page)
                found[f"blueprint-{file.stem}"] = await seen(
                    page.locator("blueprint-automation-editor ha-card").last
                )
            await self._home.request("DELETE", f"config/automation/config/{file.stem}")
        return found


async def _settle(page: Page) -> None:
    """Wait until icons and texts that come late are there."""
    with contextlib.suppress(PlaywrightError):  # Home Assistant's pages are never quite idle
        await page.wait_for_load_state("networkidle", timeout=4_000)
    await asyncio.sleep(2)


async def _until_loaded(page: Page, url: str, wanted: Locator) -> None:
    """Wait until a dashboard shows what is wanted of it, and load it again where it came too late."""
    for _ in range(LOADS):
        with contextlib.suppress(PlaywrightError):
            await wanted.wait_for(state="attached", timeout=LOAD_MS)
            return
        await page.goto(url)
    raise TimeoutError(f"{url} does not show {wanted}")

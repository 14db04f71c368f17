"""Settings, members' files and invoices at the console, in Chromium, on a phone's width and a desk's."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_demo.browser import Browser
from energy_swap_hub.config import HubConfig, UserConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.membership.devices import add_device, hash_pin
from energy_swap_hub.storage import Database
from playwright.async_api import ConsoleMessage, Page, expect
from sqlalchemy import Connection

from tests.end_to_end.console_town import AXE, faults
from tests.hub.village import OPENED, VILLAGE, community, found_in, no_daraja, open_village

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

SIZES = {"phone": (360, 740), "desktop": (1280, 900)}
NOW = OPENED + timedelta(minutes=40)
PASSWORD = "a password of the office"
PATIENCE = 120_000.0  # milliseconds for what a busy machine takes long for


@dataclass(frozen=True, slots=True)
class Office:
    """Where the hub is, and its database."""

    url: str
    database: Path

    async def write(self, change: Callable[[Connection], object]) -> None:
        """Change the database beside the hub."""
        database = Database.open(self.database)
        await database.write(change)
        await database.close()


async def live_a_while(folder: Path) -> None:
    async with open_village(folder) as village:
        amina, _, chebet, _ = village.homes
        await village.fund(chebet, 100_000)
        await village.standing(amina, sell=1_000)
        await village.standing(chebet, buy=1_200)
        await village.end_period({amina.id: 3_000, chebet.id: -2_000})
        await village.chain_works()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = await asyncio.to_thread(found_in, tmp_path_factory.mktemp("office"))
    await live_a_while(folder)
    (folder / "daraja.pem").write_bytes(certificate(new_key()))
    hashed, port = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD), unused_port()
    config = HubConfig(
        data=folder,
        community=community(),
        users=(UserConfig("office", "admin", hashed), UserConfig("fitter", "installer", hashed)),
        port=port,
        daraja=no_daraja(port, folder / "daraja.pem"),
    )
    async with running_hub(config, lambda: NOW):
        yield Office(f"http://127.0.0.1:{port}", folder / "hub.sqlite")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


async def sign_in(page: Page, hub: str, user: str) -> list[str]:
    """Sign ``user`` in at the console; return what the browser complains of from then on."""
    await page.add_init_script(path=AXE)
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    await page.goto(hub)
    await page.get_by_label("User").fill(user)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("navigation").wait_for()
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


async def is_wider_than_screen(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize("size", SIZES)
async def test_an_admin_changes_a_price_and_fills_a_file(browser: Browser, hub: Office, size: str) -> None:
    async with browser.page(hub.url, {}, size=SIZES[size]) as page:
        errors = await sign_in(page, hub.url, "office")
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("button", name="Change settings").click()
        assert await faults(page) == []
        await page.get_by_label("Retail price").fill("27")
        reason = f"the utility's new price, from a {size}"
        await page.get_by_label("Why").fill(reason)
        await page.get_by_role("button", name="Record the change").click()
        await expect(page.get_by_text(reason)).to_be_visible()
        assert not await is_wider_than_screen(page)

        await page.get_by_role("button", name="Change settings").click()
        await page.get_by_label("Length of a period").select_option("15 minutes")
        await expect(page.get_by_label("Counts from")).to_have_value(re.compile("T03:00$"))
        assert await faults(page) == []
        reason = f"prices nearer to the sun, from a {size}"
        await page.get_by_label("Why").fill(reason)
        await page.get_by_role("button", name="Record the change").click()
        coming = page.locator("li.coming", has_text=reason)
        await expect(coming).to_contain_text("15 minutes")
        await expect(coming).to_contain_text("03:00")
        assert not await is_wider_than_screen(page)

        household = "h-003" if size == "phone" else "h-001"
        await page.goto(f"{hub.url}/households/{household}")
        await expect(page.get_by_text("This month so far")).to_be_visible()
        assert await faults(page) == []
        async with page.expect_download() as download:
            await page.get_by_role("link", name="PDF: This month so far").click()
        assert (await (await download.value).path()).read_bytes().startswith(b"%PDF-")
        await page.get_by_role("button", name="Add: Identity document").click()
        assert await faults(page) == []
        await page.get_by_label("Number (only a hash is kept)").fill(f"1234567{len(size)}")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("National ID")).to_be_visible()
        for name in ("Let it leave", "Personal data as files", "Suspend this household"):
            await page.get_by_role("button", name=name).click()
            question = page.locator("es-ask")
            await expect(question.get_by_role("heading")).to_be_visible()
            assert await faults(page) == [], name
            await question.get_by_role("button", name="Cancel").click()
            await expect(question).to_have_count(0)
        assert not await is_wider_than_screen(page)
        assert errors == []


@pytest.mark.parametrize("size", SIZES)
async def test_an_admin_takes_a_households_phone_away(browser: Browser, hub: Office, size: str) -> None:
    now = datetime.now(UTC)
    name = f"a {size} of Brian's"
    pair = partial(add_device, key=size.encode().ljust(32), name=name, pin_hash=hash_pin("240718"), now=now)
    await hub.write(lambda c: pair(c, VILLAGE, "h-002"))
    async with browser.page(hub.url, {}, size=SIZES[size], is_dark=True) as page:
        errors = await sign_in(page, hub.url, "office")
        await page.goto(f"{hub.url}/households/h-002")
        phone = page.locator("es-paired-phones li", has_text=name)
        await expect(phone).to_contain_text("last used")
        await phone.get_by_role("button", name="Take away").click()
        question = page.locator("es-ask")
        await question.get_by_label("Why?").fill("he lost it on the bus")
        assert await faults(page) == []
        await question.get_by_role("button", name="Take away").click()
        await expect(question).to_have_count(0)
        await expect(phone).to_contain_text("taken away by office")
        await expect(phone.get_by_role("button")).to_have_count(0)
        await page.goto(f"{hub.url}/office")
        await expect(page.get_by_text("removed a phone of h-002: he lost it on the bus").first).to_be_visible()
        assert errors == []


async def test_an_installer_sees_meters_and_nothing_else(browser: Browser, hub: Office) -> None:
    async with browser.page(hub.url, {}, size=SIZES["phone"]) as page:
        errors = await sign_in(page, hub.url, "fitter")
        await expect(page.get_by_role("heading", name="Meters")).to_be_visible()
        assert await page.get_by_role("navigation").get_by_role("link").all_inner_texts() == ["Meters", "Office"]
        assert errors == []

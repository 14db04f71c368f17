"""The household app in Chromium: paired by SMS, prices set, topped up on the simulated phone, read offline."""

import asyncio
import gzip
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.business import Business
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_demo.browser import Browser
from energy_swap_demo.phone_app import PIN, VIEWS, pair_phone, picture_app
from energy_swap_hub.config import DarajaConfig, HubConfig, PhonesConfig, SmsConfig, UserConfig
from energy_swap_hub.hub import CONSOLE, running_hub
from playwright.async_api import ConsoleMessage, Page, expect

from tests.hub.village import OPENED, Home, community, found_in, homes, open_village

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

RULES = community(grid_grams_per_kwh=150)
AFTERNOON = OPENED + timedelta(hours=1, minutes=42)
PHONE, DESKTOP = (360, 740), (1280, 900)
PATIENCE = 120_000.0  # milliseconds for what a busy machine takes long for
FIRST_VIEW_BYTES = 200_000
AXE = Path(__file__).parents[2] / "hub" / "console" / "node_modules" / "axe-core" / "axe.min.js"
PICTURE = CONSOLE / "app" / "icon-512.png"


@dataclass(slots=True)
class Place:
    """A hub with four members and the phones of a simulated M-Pesa, whose time goes as ours from noon on."""

    hub: str
    phones: str
    homes: tuple[Home, Home, Home, Home]


def clock_of_the_afternoon() -> Callable[[], datetime]:
    began = time.monotonic()
    return lambda: AFTERNOON + timedelta(seconds=time.monotonic() - began)


@asynccontextmanager
async def running_simulator(clock: Callable[[], datetime]) -> AsyncIterator[tuple[str, Simulator]]:
    simulator, port = Simulator(clock=clock), unused_port()
    for home in homes():
        simulator.control.add_subscriber(
            Subscriber(phone=home.phone, name=home.name, balance_kes=1_000, behaviour="manual")
        )
    runner = web.AppRunner(simulator.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}", simulator
    finally:
        await runner.cleanup()
        simulator.close()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A village whose afternoon has begun: three traded periods, money in the wallets, orders in the book."""
    folder = found_in(tmp_path_factory.mktemp("phone-app"))
    asyncio.run(live_a_while(folder))
    return folder


async def live_a_while(folder: Path) -> None:
    async with open_village(folder, rules=RULES) as village:
        amina, brian, chebet, david = village.homes
        for home in (chebet, david):
            await village.fund(home, 45_000)
            await village.standing(home, buy=1_600)
        await village.standing(amina, sell=800)
        await village.standing(brian, sell=950)
        for given, taken in ((2_400, 1_500), (2_900, 1_800), (2_200, 2_600)):
            await village.end_period(
                {amina.id: given, brian.id: given // 2, chebet.id: -taken, david.id: -taken // 3}
            )
            await village.chain_works()
        await village.sell(amina, 700, 1_150)
        village.now = AFTERNOON - timedelta(minutes=1)
        for home, given, taken in ((amina, 240, 0), (brian, 90, 0), (chebet, 0, 130), (david, 0, 45)):
            await village.report(home, given, taken)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(founded: Path) -> AsyncIterator[Place]:
    clock, business, port = clock_of_the_afternoon(), Business(), unused_port()
    async with running_simulator(clock) as (phones, simulator):
        certificate = founded / "daraja.pem"
        certificate.write_bytes(simulator.certificate_pem)
        config = HubConfig(
            data=founded,
            community=RULES,
            users=(UserConfig("office", "admin", PasswordHasher().hash("a password of the office")),),
            port=port,
            phones=PhonesConfig(
                sms=SmsConfig(
                    url=f"{phones}/_simulator/sms",
                    encoding="json",
                    fields={"phone": "{phone}", "text": "{text}", "sender": "EnergySwap"},
                )
            ),
            daraja=DarajaConfig(
                base_url=phones,
                callback_base_url=f"http://127.0.0.1:{port}",
                short_code=int(business.short_code),
                passkey=business.passkey,
                consumer_key=business.consumer_key,
                consumer_secret=business.consumer_secret,
                initiator=business.initiator,
                initiator_password=business.initiator_password,
                certificate=certificate,
            ),
        )
        async with running_hub(config, clock):
            yield Place(f"http://127.0.0.1:{port}", phones, homes())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


@dataclass(slots=True)
class Screen:
    """A page of the app, and what its console complained of."""

    page: Page
    errors: list[str]


@asynccontextmanager
async def opened(browser: Browser, place: Place, size: tuple[int, int]) -> AsyncIterator[Screen]:
    async with browser.page(place.hub, {}, size=size) as page:
        page.set_default_timeout(PATIENCE)
        screen = Screen(page, [])

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                screen.errors.append(f"{message.text} {message.location}")

        page.on("console", note)
        page.on("pageerror", lambda error: screen.errors.append(str(error)))
        await page.goto(f"{place.hub}/app")
        yield screen


async def keep_picture(page: Page, name: str) -> None:
    """Keep what a person sees, where ``PICTURES`` says, to be looked at."""
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def serious_faults(page: Page) -> list[str]:
    """Return what axe-core finds serious or worse on the page as it is."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


async def is_wider_than_screen(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


async def open_tab(page: Page, tab: str) -> None:
    await page.locator(f"nav a[href='#{tab}']").click()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_a_household_lives_with_its_phone(browser: Browser, place: Place, size: tuple[int, int]) -> None:
    home = place.homes[2 if size == PHONE else 3]  # Chebet and David have no panels
    async with opened(browser, place, size) as screen:
        page = screen.page
        await page.get_by_label("Your M-Pesa number").wait_for()
        await keep_picture(page, f"{size[0]}-door")
        assert await serious_faults(page) == []
        await pair_phone(page, place.phones, home.phone)

        # Two prices, set once.
        await page.get_by_label("Buy for at most").fill("15,00")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("They count from the next half hour on").wait_for()

        # Money: asked for, answered with the PIN on the simulated phone, and there.
        await open_tab(page, "money")
        before = await page.locator("[data-test=wallet]").inner_text()
        after = f"KES {float(before.removeprefix('KES ')) + 200:.2f}"
        await page.get_by_role("button", name="200", exact=True).click()
        await page.locator("[data-test=top-up]").click()
        await expect(page.locator("[data-test=progress]")).to_have_attribute("data-done", "1", timeout=PATIENCE)
        phone = await page.context.new_page()
        phone.set_default_timeout(PATIENCE)
        await phone.goto(f"{place.phones}/_simulator/phone/{home.phone}")
        prompt = phone.locator("form#prompt")
        await prompt.get_by_label("M-PESA PIN").fill("1234")
        await prompt.get_by_role("button", name="Send").click()
        await expect(phone.locator("#balance")).not_to_contain_text("1,000.00", timeout=PATIENCE)
        await phone.close()
        await expect(page.locator("[data-test=progress]")).to_have_attribute("data-done", "4", timeout=PATIENCE)
        await expect(page.locator("[data-test=wallet]")).to_have_text(after, timeout=PATIENCE)

        # An order that nobody meets waits, and is taken back.
        await open_tab(page, "trade")
        await page.get_by_label("Pay at most").fill("5")
        await page.locator("[data-test=go]").click()
        await page.get_by_text("Your order is placed.").wait_for()
        await page.get_by_role("button", name="Take back").click()
        await page.get_by_text("No open orders.").wait_for()
        if size == PHONE:  # Buying in three taps: the page, how much, go. Amina offers enough for one.
            await page.get_by_role("button", name="0.50 kWh").click()
            await page.locator("[data-test=go]").click()
            await page.get_by_text("on the spot").wait_for()

        # A complaint with a picture comes to the office, which looks at it in the console.
        await open_tab(page, "more")
        await page.get_by_label("What happened?").fill("The meter's lid is <b>open</b>")
        await page.locator("#photo").set_input_files(PICTURE)
        await page.get_by_text("Picture added").wait_for()
        await page.get_by_role("button", name="Send to the office").click()
        await expect(page.locator("[data-test=complaints]")).to_contain_text("<b>open</b>", timeout=PATIENCE)

        for tab in ("home", "trade", "money", "neighbours", "more"):
            await open_tab(page, tab)
            await expect(page.locator("main .card").first).to_be_visible(timeout=PATIENCE)
            assert not await is_wider_than_screen(page), tab
            await keep_picture(page, f"{size[0]}-{tab}")
            assert await serious_faults(page) == [], tab
        assert screen.errors == []

        # The PIN locks and opens.
        await page.get_by_role("button", name="Lock").click()
        await page.get_by_label("PIN", exact=True).fill(PIN)
        await page.get_by_role("button", name="Open").click()
        await expect(page.locator("main .card").first).to_be_visible(timeout=PATIENCE)
        assert screen.errors == []

        # Without network the last figures are there, in both languages, and after a reload.
        await open_tab(page, "home")
        last = await page.locator("[data-test=wallet]").first.inner_text()
        await page.evaluate("navigator.serviceWorker.ready")
        await page.context.set_offline(True)
        await page.reload()
        await page.get_by_text("No network. You see what was here at").wait_for()
        await expect(page.locator("[data-test=wallet]").first).to_have_text(last, timeout=PATIENCE)
        await page.get_by_role("button", name="Kiswahili").click()
        await page.get_by_text("Hakuna mtandao.").wait_for()
        await keep_picture(page, f"{size[0]}-offline")
        await page.context.set_offline(False)


async def test_a_home_with_panels_sells_its_next_half_hour(browser: Browser, place: Place) -> None:
    async with opened(browser, place, PHONE) as screen:
        page = screen.page
        await pair_phone(page, place.phones, place.homes[0].phone)
        await page.get_by_text("Giving to neighbours").wait_for()
        await open_tab(page, "trade")
        await page.get_by_role("button", name="Sell", exact=True).click()
        await page.get_by_role("button", name="0.50 kWh").click()
        assert await serious_faults(page) == []
        await keep_picture(page, f"{PHONE[0]}-sell")
        await page.locator("[data-test=go]").click()
        await page.get_by_text("Your order is placed.").wait_for()
        await expect(page.locator("ul.list").first).to_contain_text("for ", timeout=PATIENCE)
        assert screen.errors == []


async def test_the_first_view_is_small_and_can_be_installed(browser: Browser, place: Place) -> None:
    async with browser.page(place.hub, {}, size=PHONE) as page:
        bodies: dict[str, int] = {}
        async with page.expect_response("**/*.woff2", timeout=PATIENCE):
            await page.goto(f"{place.hub}/app")
        await page.get_by_label("Your M-Pesa number").wait_for(timeout=PATIENCE)
        names = await page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
        for url in {page.url, *names}:
            answer = await page.request.get(url)
            assert answer.ok, url
            bodies[url] = len(gzip.compress(await answer.body()))
        assert any(url.endswith(".js") for url in bodies)
        assert sum(bodies.values()) < FIRST_VIEW_BYTES, bodies
        manifest = await (await page.request.get(f"{place.hub}/app/manifest.webmanifest")).json()
        assert manifest["start_url"].startswith(manifest["scope"])
        for icon in manifest["icons"]:
            assert (await page.request.get(place.hub + icon["src"])).ok
        # Chromium itself says what keeps it from being installed.
        devtools = await page.context.new_cdp_session(page)
        await page.evaluate("navigator.serviceWorker.ready")
        reasons = (await devtools.send("Page.getInstallabilityErrors"))["installabilityErrors"]
        assert [reason["errorId"] for reason in reasons if reason["errorId"] != "in-incognito"] == []


async def test_its_pictures_can_be_taken_of_a_home_with_panels(
    browser: Browser, place: Place, tmp_path: Path
) -> None:
    output = Path(os.environ.get("PICTURES", tmp_path))
    pictures = [
        picture async for picture in picture_app(browser, place.hub, place.phones, place.homes[0].phone, output)
    ]
    assert [picture.path.name for picture in pictures] == [view.file for view in VIEWS]
    assert [picture.errors for picture in pictures] == [()] * len(VIEWS)
    assert "Earned today" in pictures[0].text
    assert any("Mapato ya leo" in picture.text for picture in pictures)


async def test_the_app_is_built() -> None:
    assert (CONSOLE / "app" / "index.html").is_file()
    assert AXE.is_file()

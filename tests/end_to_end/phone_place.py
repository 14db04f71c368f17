"""The household app's place in tests: a hub whose village has lived a while, its phones, pages in Chromium."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_demo.browser import Browser
from energy_swap_demo.daraja import daraja_settings
from energy_swap_hub.config import HubConfig, PhonesConfig, PushConfig, SmsConfig, UserConfig
from energy_swap_hub.hub import running_hub
from playwright.async_api import ConsoleMessage, Page

from tests.hub.push.service import Browser as PushBrowser
from tests.hub.push.service import PushService, running_push_service
from tests.hub.village import OPENED, Home, community, homes, open_village

RULES = community(grid_grams_per_kwh=150)
AFTERNOON = OPENED + timedelta(hours=1, minutes=42)
PHONE, DESKTOP = (360, 740), (1280, 900)
PATIENCE = 120_000.0  # milliseconds for what a busy machine takes long for
AXE = Path(__file__).parents[2] / "hub" / "console" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass(slots=True)
class Place:
    """A hub with four members, simulated M-Pesa and a push service, whose time goes as ours from noon on."""

    hub: str
    phones: str
    homes: tuple[Home, Home, Home, Home]
    push: PushService


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
        await village.start_auction(amina, 200, 900, minutes=540)
        await village.choose(amina, chebet)
        village.now = AFTERNOON - timedelta(minutes=1)
        for home, given, taken in ((amina, 240, 0), (brian, 90, 0), (chebet, 0, 130), (david, 0, 45)):
            await village.report(home, given, taken)


@asynccontextmanager
async def open_place(founded: Path) -> AsyncIterator[Place]:
    """Run the hub in the folder of a village that has lived a while."""
    clock, port = clock_of_the_afternoon(), unused_port()
    async with running_simulator(clock) as (phones, simulator), running_push_service() as push:
        certificate = founded / "daraja.pem"
        certificate.write_bytes(simulator.certificate_pem)
        config = HubConfig(
            data=founded,
            community=RULES,
            users=(UserConfig("office", "admin", PasswordHasher().hash("a password of the office")),),
            port=port,
            push=PushConfig(contact="mailto:office@kisima.example", services=(push.origin,)),
            phones=PhonesConfig(
                sms=SmsConfig(
                    url=f"{phones}/_simulator/sms",
                    encoding="json",
                    fields={"phone": "{phone}", "text": "{text}", "sender": "EnergySwap"},
                )
            ),
            daraja=daraja_settings(simulator.business, phones, f"http://127.0.0.1:{port}", certificate),
        )
        async with running_hub(config, clock):
            yield Place(f"http://127.0.0.1:{port}", phones, homes(), push)


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


# A browser's push service cannot be reached from tests: its answers are those of the tests' own. What the page
# asks of it, and what becomes of a message in the service worker, is the app's own doing.
_SUBSCRIBED = """([endpoint, point, auth]) => {
  const plain = (text) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = (text) => Uint8Array.from(plain(text), (letter) => letter.charCodeAt(0)).buffer;
  const made = (key) => ({
    endpoint,
    options: { applicationServerKey: key.buffer ?? key, userVisibleOnly: true },
    getKey: (name) => bytes(name === "auth" ? auth : point),
    unsubscribe: async () => { window.subscribed = null; return true; },
  });
  window.subscribed = null;
  PushManager.prototype.subscribe = async (options) => window.subscribed ??= made(options.applicationServerKey);
  PushManager.prototype.getSubscription = async () => window.subscribed;
}"""


async def subscribe_here(page: Page, told: PushBrowser) -> None:
    """Let the page's browser get the subscription ``told`` when it asks its push service for one."""
    wish = told.wish()
    await page.evaluate(_SUBSCRIBED, [wish["endpoint"], wish["p256dh"], wish["auth"]])


async def deliver(page: Page, hub: str, told: dict[str, Any]) -> None:
    """Hand a message to the app's service worker, as the browser does when its push service brings one."""
    devtools = await page.context.new_cdp_session(page)
    registered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if one["scopeURL"].startswith(hub) and not registered.done():
                registered.set_result(one["registrationId"])

    devtools.on("ServiceWorker.workerRegistrationUpdated", note)
    await devtools.send("ServiceWorker.enable")
    message = {"origin": hub, "registrationId": await registered, "data": json.dumps(told)}
    await devtools.send("ServiceWorker.deliverPushMessage", message)
    await devtools.detach()

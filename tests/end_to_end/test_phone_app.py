"""The household app in Chromium: paired by SMS, prices set, topped up on the simulated phone, read offline."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from energy_swap_demo.browser import Browser
from energy_swap_demo.phone_app import PIN, TABS, VIEWS, pair_phone, picture_app
from energy_swap_hub.hub import CONSOLE
from playwright.async_api import Page, expect

from tests.hub.village import found_in

from .phone_place import (
    AXE,
    DESKTOP,
    PATIENCE,
    PHONE,
    Place,
    deliver,
    is_wider_than_screen,
    keep_picture,
    live_a_while,
    open_place,
    open_tab,
    opened,
    serious_faults,
    subscribe_here,
)
from .qr_reader import read_qr

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

FIRST_VIEW_BYTES = 200_000
SHOWN = """async (title) => (await (await navigator.serviceWorker.ready).getNotifications())
    .some((notice) => notice.title === title && notice.body.includes("KES 50.00"))"""
PRESSED = """async () => {
    const [notice] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification: notice }));
}"""
PICTURE = CONSOLE / "app" / "icon-512.png"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A village whose afternoon has begun: three traded periods, money in the wallets, orders in the book."""
    folder = found_in(tmp_path_factory.mktemp("phone-app"))
    asyncio.run(live_a_while(folder))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(founded: Path) -> AsyncIterator[Place]:
    async with open_place(founded) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


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
        await page.get_by_text("They count from the next period on").wait_for()

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
            await page.get_by_text("on the spot").first.wait_for()

        # Bidding in an auction, and choosing whom to trade with first.
        auctions = page.locator("[data-test=auctions]")
        await auctions.get_by_role("button", name="Bid").click()
        await keep_picture(page, f"{size[0]}-bid")
        await auctions.locator("[data-test=bid]").click()
        await auctions.get_by_text("you lead", exact=True).wait_for()  # beside what is said of the bid
        await open_tab(page, "neighbours")
        partners = page.locator("[data-test=partners]")
        await partners.get_by_label("A household's number").fill("7a")
        await partners.get_by_role("button", name="Add").last.click()
        await partners.get_by_text("A household's number is like h-007.").wait_for()
        await partners.get_by_label("A household's number").fill("h 1")
        await partners.get_by_role("button", name="Add").last.click()
        await partners.get_by_text("chosen by both" if size == PHONE else "waits for them").first.wait_for()

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
            if tab == "money":  # M-Pesa's own code, which Daraja makes
                await page.get_by_role("button", name="Show the QR code for").click()
                code = page.get_by_role("img", name="M-Pesa's QR code to pay")
                await page.wait_for_function("code => code.naturalWidth > 0", arg=await code.element_handle())
            if tab == "more":  # what a camera reads there
                await page.get_by_text("Share your meter", exact=True).click()
                meter = bytes(home.meter_key.verify_key).hex()
                await expect(page.get_by_text(meter, exact=True)).to_be_visible(timeout=PATIENCE)
                assert await code_in(page, "Share your meter") == f"energy-swap:meter:{meter}"
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
        await open_tab(page, "money")
        await page.get_by_text("Maingizo yote").click()
        paid_in = page.locator("es-statement li").filter(has_text="Umeweka kwa M-Pesa, risiti")
        await expect(paid_in.first).to_be_visible(timeout=PATIENCE)
        await page.context.set_offline(False)


async def code_in(page: Page, label: str) -> str:
    """Return what the QR code of that name says."""
    code = page.get_by_role("img", name=label, exact=True)
    box = await code.get_attribute("viewBox")
    squares = await code.locator("path").get_attribute("d")
    assert box is not None
    assert squares is not None
    return read_qr(squares, int(box.split()[2]) - 8)  # but for the quiet zone on each side


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

        # More than its money secures is refused, in the language of the reader.
        await page.get_by_role("button", name="Kiswahili").click()
        await page.get_by_label("Kiasi kingine, kwa kWh").fill("9000")
        await page.locator("[data-test=go]").click()
        await expect(page.get_by_role("alert")).to_contain_text("Weka pesa kwanza", timeout=PATIENCE)
        await keep_picture(page, f"{PHONE[0]}-refused")
        assert ["409" in error for error in screen.errors] == [True]  # the browser notes what the page says


async def test_a_phone_is_told_at_once_when_its_person_wants_it(browser: Browser, place: Place) -> None:
    async with opened(browser, place, PHONE) as screen:
        page, home, told = screen.page, place.homes[0], place.push.browser()
        await page.context.grant_permissions(["notifications"], origin=place.hub)
        await pair_phone(page, place.phones, home.phone)
        await subscribe_here(page, told)
        await open_tab(page, "more")
        card = page.locator("[data-test=messages]")
        await expect(card.get_by_role("button", name="Turn on")).to_be_visible(timeout=PATIENCE)
        assert await page.evaluate("window.subscribed") is None  # nothing is asked for before the press
        await keep_picture(page, f"{PHONE[0]}-messages-off")
        await card.get_by_role("button", name="Turn on").click()
        await expect(card.get_by_label("Trades")).to_be_checked(timeout=PATIENCE)
        await card.get_by_label("Trades").uncheck()
        await expect(card.get_by_label("Trades")).not_to_be_checked(timeout=PATIENCE)
        assert await serious_faults(page) == []
        await keep_picture(page, f"{PHONE[0]}-messages-on")

        # Money arrives: the hub tells, and the phone shows it, in its language.
        await open_tab(page, "money")
        await page.get_by_role("button", name="50", exact=True).click()
        await page.locator("[data-test=top-up]").click()
        await expect(page.locator("[data-test=progress]")).to_have_attribute("data-done", "1", timeout=PATIENCE)
        phone = await page.context.new_page()
        phone.set_default_timeout(PATIENCE)
        await phone.goto(f"{place.phones}/_simulator/phone/{home.phone}")
        await phone.locator("form#prompt").get_by_label("M-PESA PIN").fill("1234")
        await phone.locator("form#prompt").get_by_role("button", name="Send").click()
        await expect(phone.locator("form#prompt")).to_have_count(0, timeout=PATIENCE)
        await phone.close()
        await place.push.until_asked(1)
        assert [one["event"] for one in told.told] == ["topped_up"]
        await open_tab(page, "home")
        for language, title in (("English", "Money arrived"), ("Kiswahili", "Pesa imefika")):
            if language == "Kiswahili":
                await page.get_by_role("button", name=language).click()
            await page.wait_for_function(
                "async (l) => (await (await caches.match('/app/language'))?.text()) === l",
                arg=language[:2].lower(),
            )
            await deliver(page, place.hub, told.told[0])
            await page.wait_for_function(SHOWN, arg=title)
        # Sent twice, shown once; a press opens the page that it is about.
        assert (
            await page.evaluate(
                "navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((n) => n.length)"
            )
            == 1
        )
        worker = page.context.service_workers[0]
        await worker.evaluate(PRESSED)
        await expect(page.locator("nav a[href='#money']")).to_have_attribute(
            "aria-current", "page", timeout=PATIENCE
        )

        await open_tab(page, "more")
        await card.get_by_role("button", name="Zima").click()
        await expect(card.get_by_role("button", name="Washa")).to_be_visible(timeout=PATIENCE)
        assert await page.evaluate("window.subscribed") is None
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


async def test_its_pictures_can_be_taken_of_a_home_with_panels(browser: Browser, place: Place) -> None:
    sheets = [sheet async for sheet in picture_app(browser, place.hub, place.phones, place.homes[0].phone)]
    assert [sheet.name for sheet in sheets] == list(TABS)
    assert [sheet.errors for sheet in sheets] == [()] * len(TABS)
    assert {len(sheet.pictures) for sheet in sheets} == {len(VIEWS)}
    assert "Earned today" in sheets[0].text
    assert "Mapato ya leo" in sheets[0].text


async def test_the_app_is_built() -> None:
    assert (CONSOLE / "app" / "index.html").is_file()
    assert AXE.is_file()

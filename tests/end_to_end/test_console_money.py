"""Money at the console, in Chromium: what was asked for and paid out, and deciding what M-Pesa left open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_demo.browser import DESKTOP, Browser, listen_for_errors
from energy_swap_hub.config import HubConfig, UserConfig
from energy_swap_hub.hub import running_hub
from energy_swap_hub.settlement.payers import account_number
from energy_swap_hub.storage import Database
from playwright.async_api import FilePayload, Page, expect

from tests.end_to_end.console_town import AXE, PATIENCE_SECONDS, SMALL_PHONE, faults
from tests.hub.village import Home, community, found_in, no_daraja
from tests.hub.web.conftest import PASSWORD, Hub, clock
from tests.hub.web.payments import MANY, Known, fill

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

SIZES = {"desktop": (DESKTOP, True), "phone": (SMALL_PHONE, False)}  # the other way round in test_console
# The portal has one payment that the books lack.
STATEMENT = f"""Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,A/C No.
SKJ4H7T2QW,20-11-2026 03:00:30,,Pay Bill,Completed,70.00,,{account_number(2)}
"""
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("money")
    data = await asyncio.to_thread(found_in, folder)
    await fill_books(data)
    (folder / "daraja.pem").write_bytes(certificate(new_key()))
    port = unused_port()
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    config = HubConfig(
        data=data,
        community=community(),
        users=(UserConfig("office", "admin", hashed), UserConfig("regulator", "auditor", hashed)),
        port=port,
        daraja=no_daraja(port, folder / "daraja.pem"),
    )
    async with running_hub(config, clock), ClientSession(f"http://127.0.0.1:{port}") as session:
        made = Hub(f"http://127.0.0.1:{port}", config, session)
        yield made
        await made.close()


async def fill_books(data: Path) -> None:
    database = Database.open(data / "hub.sqlite")
    await database.write(lambda c: fill(c, Known()))
    await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


@asynccontextmanager
async def screen(
    hub: Hub, browser: Browser, path: str, size: str = "desktop", user: str = "office"
) -> AsyncIterator[Page]:
    """Have a page of the console open; its console stays free of errors, and the page fits."""
    person, (pixels, is_dark) = hub.person(), SIZES[size]
    assert (await person.sign_in(user)).status == 200
    cookies = {one.key: one.value for one in person.session.cookie_jar}
    async with browser.page(hub.url, {}, cookies=cookies, size=pixels, is_dark=is_dark) as page:
        await page.add_init_script(path=AXE)
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        errors = listen_for_errors(page)
        await page.goto(f"{hub.url}{path}")
        yield page
        # A decision that cannot be, a file that is no statement: the browser notes it, the page says it.
        assert not [one for one in errors if "409 (Conflict)" not in one and "422 (" not in one], errors
        assert await page.evaluate("() => document.documentElement.scrollWidth") <= pixels[0]


@pytest.mark.parametrize("size", SIZES)
async def test_payments_asked_for_and_payouts_are_seen_with_how_they_stand(
    hub: Hub, browser: Browser, size: str
) -> None:
    async with screen(hub, browser, "/money", size) as page:
        await page.get_by_role("button", name="Asked for", exact=True).click()
        table = page.locator("es-payments table")
        await expect(table).to_have_attribute("aria-rowcount", str(MANY + 4))
        rows = table.locator("tbody tr")
        await expect(rows.nth(0)).to_contain_text("Amina")
        await expect(rows.nth(0)).to_contain_text("Nobody knows")
        await expect(rows.nth(1)).to_contain_text("The request was cancelled on the phone.")
        await expect(rows.nth(2)).to_contain_text("SKJ4H7T2QX")
        assert await faults(page) == []

        box = page.locator("es-payments .long-box")
        await box.evaluate("box => { box.scrollTop = box.scrollHeight }")
        await expect(table.locator(f'tr[aria-rowindex="{MANY + 4}"]')).to_contain_text("KES 1")
        await page.get_by_role("button", name="In review").click()
        await expect(table).to_have_attribute("aria-rowcount", "2")
        await expect(rows).to_have_count(1)
        await page.get_by_role("button", name="Under way").click()
        await expect(page.get_by_text("No payment stands so now.")).to_be_visible()

        await page.get_by_role("button", name="Payouts", exact=True).click()
        await expect(rows).to_have_count(1)  # those under way: the choice stays
        await expect(rows).to_contain_text("Waits to be sent")
        await page.locator("es-payments").get_by_role("button", name="All").click()
        await expect(rows).to_have_count(3)
        await expect(rows.nth(1)).to_contain_text("The phone is not registered with M-Pesa.")
        await expect(rows.nth(2)).to_contain_text("KES 4.50")
        await expect(rows.nth(2)).to_contain_text("SKJ4H7T2QZ")
        assert await faults(page) == []


async def test_an_auditor_sees_the_payments_and_no_way_to_decide(hub: Hub, browser: Browser) -> None:
    async with screen(hub, browser, "/money", user="regulator") as page:
        await page.get_by_role("button", name="Asked for", exact=True).click()
        await page.get_by_role("link", name="See the case").click()
        case = page.locator("es-reviews article", has_text="Top-up: paid or not?")
        await expect(case).to_contain_text("Amina")
        await expect(case.get_by_role("button")).to_have_count(0)


async def test_what_m_pesa_left_open_is_asked_again_and_credited_by_its_receipt(
    hub: Hub, browser: Browser
) -> None:
    async with screen(hub, browser, "/money", "phone") as page:
        await page.get_by_role("button", name="Asked for", exact=True).click()
        await page.get_by_role("link", name="Decide").click()
        case = page.locator("es-reviews article", has_text="Top-up: paid or not?")
        await expect(case).to_be_focused()
        await expect(case).to_contain_text("KES 500.00")
        await case.get_by_role("button", name="Ask M-Pesa again now").click()
        await expect(case.get_by_role("status")).to_contain_text("M-Pesa is asked.")
        assert await faults(page) == []

        await case.get_by_role("button", name="It was paid: credit it").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Amount paid")).to_have_value("500")
        await dialog.get_by_label("M-Pesa receipt").fill("SKJ4H7T2QX")
        await dialog.get_by_label("What was found and done").fill("the portal shows it")
        await dialog.get_by_role("button", name="Credit the household").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("SKJ4H7T2QX is in the books already")
        assert await faults(page) == []
        await dialog.get_by_label("M-Pesa receipt").fill("SKJ4H7T2QY")
        await dialog.get_by_role("button", name="Credit the household").click()
        await expect(dialog).to_have_count(0)
        done = page.locator("es-reviews article", has_text="credited KES 500 by receipt SKJ4H7T2QY")
        await expect(done).to_contain_text("the portal shows it")
    admin = await hub.admin()
    acts = (await (await admin.get("/audit?limit=3")).json())["acts"]
    assert [(act["who"], act["what"].partition(":")[0]) for act in acts[1:]] == [
        ("office", "resolved a review"),
        ("office", "asked M-Pesa again about a review"),
    ]


@pytest.mark.parametrize("size", SIZES)
async def test_an_accounts_statement_and_the_ledger_as_csv_are_read(hub: Hub, browser: Browser, size: str) -> None:
    async with screen(hub, browser, "/ledger", size, user="regulator") as page:
        async with page.expect_download() as download:
            await page.get_by_role("link", name="All as CSV").click()
        assert b"payout_pending" in (await (await download.value).path()).read_bytes()
        await page.get_by_role("button", name="Days", exact=True).click()
        await expect(page.get_by_text("No day is over yet.")).to_be_visible()
        await page.get_by_role("button", name="Trial balance").click()
        await page.get_by_role("link", name="Amina, money h-001:kes", exact=True).click()
        rows = page.locator("es-account-statement tbody tr")
        await expect(rows.last).to_contain_text("+500.00 KES")
        await expect(rows.last).to_contain_text("top-up")
        assert await rows.count() > 3
        assert await faults(page) == []
        async with page.expect_download() as download:
            await page.get_by_role("link", name="All as CSV").click()
        assert b"amount,balance" in (await (await download.value).path()).read_bytes()
        await page.get_by_role("link", name="Trial balance").click()
        await expect(page.get_by_role("link", name="Payouts under way payout_pending")).to_be_visible()


async def test_a_statement_of_the_portal_is_taken_in_and_its_difference_shown(hub: Hub, browser: Browser) -> None:
    async with screen(hub, browser, "/money", "phone") as page:
        await page.get_by_role("button", name="Compared", exact=True).click()
        file: FilePayload = {"name": "statement.csv", "mimeType": "text/csv", "buffer": STATEMENT.encode()}
        await page.get_by_label("Choose the file").set_input_files(file)
        taking = page.locator("es-money .taking")
        await expect(taking.get_by_role("status")).to_contain_text("1 were missing and are credited, 1 differ.")
        row = page.locator("es-money tbody tr", has_text="SKJ4H7T2QW")
        await expect(row).to_contain_text("Missing in the books")
        await expect(row).to_contain_text("KES 70.00")
        assert await faults(page) == []
        await page.get_by_role("button", name="Paid in", exact=True).click()
        await expect(page.locator("es-money tbody tr", has_text="SKJ4H7T2QW")).to_contain_text("Brian")

        await page.get_by_role("button", name="Compared", exact=True).click()
        wrong: FilePayload = {"name": "notes.csv", "mimeType": "text/csv", "buffer": b"milk,bread"}
        await page.get_by_label("Choose the file").set_input_files(wrong)
        await expect(taking.get_by_role("alert")).to_contain_text("Receipt No.")


async def test_names_and_references_that_are_markup_do_nothing(hub: Hub, browser: Browser) -> None:
    """Whoever applies chooses a name, and whoever pays a reference: the office reads both."""
    name, reference = (f"<img src=x onerror=\"document.title='{what}'\">" for what in ("name", "account"))
    esther = Home("h-005", name, 5, 0)
    assert (await hub.send(esther.key, esther.application(clock()))).status == 200
    head = STATEMENT.partition("\n")[0]
    quoted = reference.replace('"', '""')
    paid = f'{head}\nSKJ4H7T2QV,20-11-2026 03:00:40,,Pay Bill,Completed,35.00,,"{quoted}"\n'
    async with screen(hub, browser, "/money") as page:
        await page.get_by_role("button", name="Compared", exact=True).click()
        file: FilePayload = {"name": "statement.csv", "mimeType": "text/csv", "buffer": paid.encode()}
        await page.get_by_label("Choose the file").set_input_files(file)
        await expect(page.locator("es-money tbody tr", has_text="SKJ4H7T2QV").first).to_be_visible()
        await page.get_by_role("button", name="Paid in", exact=True).click()
        await expect(page.locator("es-money tbody tr", has_text="SKJ4H7T2QV")).to_contain_text("IMGSRCXONERROR")
        await nothing_ran(page)
        await page.goto(f"{hub.url}/households")
        await expect(page.locator("es-households").get_by_text(name).first).to_be_visible()
        await nothing_ran(page)
        await page.goto(f"{hub.url}/households/h-005")
        await expect(page.get_by_role("dialog")).to_contain_text(name)
        await nothing_ran(page)


async def nothing_ran(page: Page) -> None:
    assert await page.locator("img[src=x]").count() == 0
    assert await page.title() not in {"name", "account"}

"""What the formulas come to stands on the console's pages, in Chromium: advice, rewards, a good name, a case."""

import asyncio
import re
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import unused_port
from argon2 import PasswordHasher
from energy_swap_daraja_simulator.credential import certificate, new_key
from energy_swap_demo.browser import DESKTOP, Browser, listen_for_errors
from energy_swap_hub.config import HubConfig, RewardPolicy, UserConfig
from energy_swap_hub.mpesa.codes import push_meaning
from energy_swap_hub.mpesa.tables import TOP_UP, payment_intent
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.reviews import open_review
from energy_swap_hub.settlement.words import EAST_AFRICA
from energy_swap_hub.storage import Database
from playwright.async_api import Page, expect
from sqlalchemy import Connection, insert

from tests.end_to_end.console_town import AXE, PATIENCE_SECONDS, SMALL_PHONE, faults
from tests.hub.village import OPENED, PERIOD, VILLAGE, community, found_in, no_daraja
from tests.hub.web.conftest import PASSWORD, Hub, hub_with
from tests.hub.web.test_fund import rewarded

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

WEEK = {11: (1_000, 800, 200), 19: (1_900, 250, 1_000)}  # by the hour: price, Wh offered and wanted in each half
EVIDENCE = {"intent": "mint:2026-11-20T08:30Z", "problem": "the verifier's office is closed"}
SIZES = {"phone, dark": (SMALL_PHONE, True), "desktop": (DESKTOP, False)}
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


def book_week(connection: Connection) -> None:
    """Record five days of half hours: at noon some is left over, in the evening some is lacking, else nothing."""
    begun = {"community_id": VILLAGE, "state": "settled", "booked_at": OPENED, "settled_at": OPENED, "intents": []}
    for number in range(1, 5 * 48 + 1):
        start = OPENED - number * PERIOD
        price, offered, wanted = WEEK.get(start.astimezone(EAST_AFRICA).hour, (None, 0, 0))
        cleared = {"cents_per_kwh": price, "supply_wh": offered, "demand_wh": wanted}
        row = begun | cleared | {"start": start, "traded_wh": min(offered, wanted)}
        connection.execute(insert(tables.period).values(row))


def write_week(connection: Connection) -> None:
    """Record five days that end now, two days' rewards, an unpaid request and a case."""
    book_week(connection)
    rewarded(connection)
    connection.execute(
        insert(payment_intent).values(
            community_id=VILLAGE,
            intent_id="a top-up",
            household_id="h-003",
            kes=100,
            purpose=TOP_UP,
            phone_key="a phone",
            account_reference="ABCDEFGHJKLM",
            state="failed",
            reason=push_meaning("1032")[1],
            created_at=OPENED,
        )
    )
    subject = EVIDENCE["intent"]
    open_review(connection, VILLAGE, kind="chain_failed", subject=subject, evidence=EVIDENCE, now=OPENED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("advice")
    data = await asyncio.to_thread(found_in, folder)
    database = Database.open(data / "hub.sqlite")
    await database.write(write_week)
    await database.close()
    (folder / "daraja.pem").write_bytes(certificate(new_key()))
    port = unused_port()
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    config = HubConfig(
        data=data,
        community=msgspec.structs.replace(community(), rewards=RewardPolicy(cents_per_kwh=200)),
        users=(UserConfig("office", "admin", hashed),),
        port=port,
        daraja=no_daraja(port, folder / "daraja.pem"),
    )
    async with hub_with(config) as hub:
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("size", SIZES)
async def test_advice_rewards_reputation_and_evidence_stand_on_the_pages(
    hub: Hub, browser: Browser, size: str
) -> None:
    (width_height, is_dark), admin = SIZES[size], await hub.admin()
    session = next(one.value for one in admin.session.cookie_jar if one.key == "energy_swap_session")
    cookies = {"energy_swap_session": session}
    async with browser.page(hub.url, {}, cookies=cookies, size=width_height, is_dark=is_dark) as page:
        await page.add_init_script(path=AXE)
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        errors = listen_for_errors(page)
        await look_at_advice(page, hub)
        await look_at_fund(page, hub)
        await look_at_reputation(page, hub)
        await look_at_review(page, hub)
        assert errors == []


async def look_at_advice(page: Page, hub: Hub) -> None:
    """At noon much is left over: every formula that advises has its word."""
    await page.goto(f"{hub.url}/market")
    advice = page.locator("es-advice")
    for words in (
        "Prices are 60 % below the week's average.",  # the token price
        "Sell at least KES 5.18",  # with the risk-adjusted price
        "Buy at most KES 6.82",
        "Week's average KES 15.00",
        "A kWh that is saved or given now is worth about KES 10.49.",  # the optimal price
        "On a usual day a kWh is dearest about 19:00, at KES 19.66, and cheapest about 07:00, at KES 10.34.",
        "For each kWh that neighbours lacked in the last week, others had 0.88 kWh to give.",  # the impact score
        "Between 11:00 and 12:00 the neighbourhood has 1.20 kWh more than it needs on an average day",
        "a battery that gives 1.08 kWh, or energy saved, would be bought at about KES 19.00 per kWh",
        "The cheapest way to meet these hours, 2.00 kWh",  # the dispatch
        "Neighbours 0.50 kWh",
        "Battery 1.08 kWh",
        "Main grid 0.42 kWh",
    ):
        await expect(advice).to_contain_text(spaced(words))
    assert await faults(page) == []


async def look_at_fund(page: Page, hub: Hub) -> None:
    await page.goto(f"{hub.url}/ledger")
    await page.get_by_role("button", name="Fund").click()
    fund = page.locator("es-ledger")
    await expect(fund.locator(".holds")).to_contain_text("KES 5.00")
    await expect(fund).to_contain_text(
        "20 % of the community fee goes to the fund. Energy given to neighbours earns up to KES 2.00 per kWh: the "
        "scarcer it is, the more. From 18:00 until 22:00 it earns 150 % of that."
    )
    newest, oldest = (
        fund.locator("tbody tr", has_text="Nov").nth(0),
        fund.locator("tbody tr", has_text="Nov").nth(1),
    )
    await expect(newest.locator("td")).to_have_text(["19 Nov", re.compile("^1"), "2.00 kWh", "2.50", "0.60"])
    await expect(oldest.locator("td")).to_have_text(["18 Nov", re.compile("^2"), "4.00 kWh", "4.00", "4.00"])
    assert await faults(page) == []


async def look_at_reputation(page: Page, hub: Hub) -> None:
    await page.goto(f"{hub.url}/households")
    for name, score, sentence in (
        ("Chebet", "67 %", "In the last 90 days: paid 0 of 1 request by M-Pesa."),
        ("Amina", "80 %", "Nothing is known yet, and everybody starts at 80 %."),
    ):
        await page.locator("es-households tbody tr", has_text=name).click()
        details = page.locator("es-household-details")
        await expect(details).to_contain_text(score)
        await expect(details).to_contain_text(sentence)
        assert await faults(page) == []
        await details.get_by_role("button", name="Close").first.click()
        await expect(details).to_have_count(0)


async def look_at_review(page: Page, hub: Hub) -> None:
    await page.goto(f"{hub.url}/reviews")
    case = page.locator("es-reviews article")
    await expect(case).to_have_count(1)
    await expect(case).to_contain_text("Chain transaction failed")
    for name, said in EVIDENCE.items():
        await expect(case).to_contain_text(re.compile(rf"{name}\s*{re.escape(said)}", re.IGNORECASE))


def spaced(words: str) -> re.Pattern[str]:
    """Match ``words`` with whatever space the page puts between them, or none."""
    return re.compile(r"\s*".join(map(re.escape, words.split())))

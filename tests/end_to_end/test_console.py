"""The office at the console: admission, a day, a purchase, a dispute, an auditor and a suspension, in Chromium."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_demo.browser import DESKTOP, PHONE
from energy_swap_protocol.message import BuyOrder, StandingOrder, TopUp
from energy_swap_protocol.reading import frame_from_text, frame_to_text
from playwright.async_api import Page, Route, expect
from solders.keypair import Keypair

from tests.end_to_end.console_town import PATIENCE_SECONDS, SMALL_PHONE, Town, faults, running_town
from tests.hub.village import APPROVERS, OPENED, Home
from tests.hub.web.conftest import PASSWORD

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

MOST_FIRST_BYTES = 200_000  # on the wire, with the figures that the page asks for
DASH = "\u2013"
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with running_town(tmp_path_factory.mktemp("console"), has_new_verifiers=True) as town:
        yield town


async def go(page: Page, name: str) -> None:
    await page.locator("nav a", has_text=name).click()
    await expect(page.locator("main h1")).to_have_text(name)


async def test_a_household_is_admitted_by_its_approvers(town: Town) -> None:
    async with town.screen(None) as desk, town.screen("office", size=SMALL_PHONE) as phone:
        await desk.get_by_label("User").fill("office")
        await desk.get_by_label("Password", exact=True).fill(PASSWORD)
        await desk.get_by_role("button", name="Sign in", exact=True).click()
        for page in (desk, phone):
            await go(page, "Households")
            await expect(page.locator("es-households tbody tr")).to_have_count(4)

        esther = Home("h-005", "Esther", 5, 3_000)
        sent = await town.hub.send(esther.key, esther.application(OPENED + timedelta(minutes=1)))
        assert sent.status == 200, await sent.text()
        for page in (desk, phone):
            row = page.locator("es-households tbody tr", has_text="Esther")
            await expect(row.locator(".pill")).to_have_text(["Applied", "0/2"])
            await page.get_by_role("button", name="Approvals").click()
            await expect(asked(page, "Admission · Esther")).to_contain_text("0 of 2 signed")
            await expect(asked(page, "Admission · Esther")).to_contain_text("Being signed")

        told = await town.approve(APPROVERS[0])
        assert "admits Esther (h-005)" in told[1]
        assert told[-1].strip() == "signed: 1 of 2"
        for page in (desk, phone):
            await expect(asked(page, "Admission · Esther")).to_contain_text("1 of 2 signed")
        assert (await town.approve(APPROVERS[2]))[-1].strip() == "signed: 2 of 2"
        for page in (desk, phone):
            await expect(asked(page, "Admission · Esther")).to_contain_text("Done")
            await page.get_by_role("button", name="Members").click()
            row = page.locator("es-households tbody tr", has_text="Esther")
            await expect(row.locator(".pill")).to_have_text(["Admitted"])
        assert await town.approve(APPROVERS[1]) == [], "nothing is left to sign"
    town.homes.append(esther)


def asked(page: Page, title: str) -> Any:
    return page.locator("es-approvals li", has=page.locator("b", has_text=title))


async def test_a_day_is_watched_live(town: Town) -> None:
    amina, chebet = town.home("Amina"), town.home("Chebet")
    await town.hub.send(chebet.key, TopUp(**town.hub.head(), kes=500))

    async def is_paid() -> bool:
        return bool((await town.household(chebet))["wallet"]["kes_cents"] == 50_000)

    await town.until(is_paid, passing=1)
    await town.hub.send(amina.key, StandingOrder(**town.hub.head(), sell_at_least=1_000))
    await town.hub.send(chebet.key, StandingOrder(**town.hub.head(), buy_at_most=2_000))
    async with town.screen("office") as desk, town.screen("office", size=SMALL_PHONE) as phone:
        for page in (desk, phone):
            await expect(page.locator("es-live .price")).to_contain_text("No period has been cleared yet.")
            await expect(page.locator("es-live .money .figure")).to_have_text("KES 0.00")
            await page.evaluate("() => { window.isStillHere = true }")

        await town.end_period({"Amina": 3_000, "Chebet": -1_000})
        first = []
        for page in (desk, phone):
            price = page.locator("es-live .price")
            await expect(price).to_contain_text(f"12:00{DASH}12:30, 1.00 kWh changed hands")
            first.append(await price.locator(".hero b").inner_text())
            await expect(page.locator("es-live .energy .figure")).to_have_text("1.00 kWh")
        assert first[0] == first[1]
        assert 10 <= float(first[0]) <= 20
        turnover = await desk.locator("es-live .money .figure").inner_text()
        assert turnover == f"KES {first[0]}", "one kWh at that price"

        # Amina lowers her limit: the next period shows it, too.
        await town.hub.send(amina.key, StandingOrder(**town.hub.head(), sell_at_least=600))
        await town.hub.send(chebet.key, StandingOrder(**town.hub.head(), buy_at_most=900))
        await town.end_period({"Amina": 2_000, "Chebet": -500})
        for page in (desk, phone):
            price = page.locator("es-live .price")
            await expect(price).to_contain_text(f"12:30{DASH}13:00, 0.50 kWh changed hands")
            second = float(await price.locator(".hero b").inner_text())
            assert 6 <= second <= 9
            await expect(page.locator("es-live .energy .figure")).to_have_text("1.50 kWh")
            assert await page.evaluate("() => window.isStillHere"), "the page was not loaded again"


async def test_a_mint_is_checked_in_the_browser_and_a_changed_reading_is_a_lie(town: Town) -> None:
    async with town.screen("regulator") as desk, town.screen("regulator", size=SMALL_PHONE, is_dark=True) as phone:
        for page in (desk, phone):
            await go(page, "Chain")
            await page.get_by_role("button", name="Mints", exact=True).click()
            await expect(page.locator("es-chain tbody tr")).to_have_count(2)
            await page.get_by_role("button", name="Check the readings").last.click()
            dialog = page.get_by_role("dialog")
            await expect(dialog.get_by_role("status")).to_contain_text("Everything goes together")
            await expect(dialog.locator("li.lie")).to_have_count(0)
            await expect(dialog.locator("li")).to_have_count(5)
            await expect(dialog).to_contain_text("3.000 kWh for account")
            assert await faults(page) == []
            await dialog.get_by_role("button", name="Close").click()
            await expect(dialog).to_have_count(0)

        # The hub publishes one watt-hour more than the meter signed.
        async def tamper(route: Route) -> None:
            answer = await route.fetch()
            evidence = await answer.json()
            (mint,) = evidence["transactions"][0]["mints"]
            frame = bytearray(frame_from_text(mint["frames"][-1]))
            frame[52] += 1
            mint["frames"][-1] = frame_to_text(bytes(frame))
            await route.fulfill(response=answer, json=evidence)

        await desk.route("**/readings/2026-*", tamper)
        await desk.get_by_role("button", name="Check the readings").last.click()
        await expect(desk.get_by_role("dialog").get_by_role("status")).to_contain_text("does not go together")
        lies = desk.get_by_role("dialog").locator("li.lie")
        await expect(lies).to_have_count(2)
        await expect(lies.first).to_contain_text("is not signed by its meter")
        await expect(lies.last).to_contain_text("A lie: The readings are those that the transaction commits to")


async def test_a_purchase_is_paid_on_the_phone_and_its_trade_seen(town: Town) -> None:
    amina, david = town.home("Amina"), town.home("David")
    town.simulator.control.add_subscriber(
        Subscriber(phone=david.phone, name="David", behaviour="manual", pin="2580")
    )

    async def has_tokens() -> bool:
        return bool((await town.household(amina))["wallet"]["ekwh_wh"] >= 1_000)

    await town.until(has_tokens)
    await town.sell(amina, 1_000, at_least=1_250)
    phone_url = f"{town.daraja_url}/_simulator/phone/{david.phone}"
    async with town.screen("office") as desk, town.browser.page(phone_url, {}, size=PHONE) as phone:
        await go(desk, "Market")
        await expect(desk.locator("es-order-book")).to_contain_text("12.50")
        answer = await town.hub.send(david.key, BuyOrder(**town.hub.head(), wh=400, at_most=1_300, pay="mpesa"))
        assert answer.status == 200, await answer.text()

        await phone.goto(phone_url)
        await town.until(phone.locator("#prompt .pin").count, passing=1)
        await expect(phone.locator("#ask")).to_contain_text("Do you want to pay Ksh 6 to ENERGY SWAP")
        balance = await phone.locator("#balance").inner_text()
        await phone.locator("#prompt .pin").fill("2580")
        await phone.get_by_role("button", name="Send").click()

        trade = desk.locator("es-market .trades tbody tr", has_text="Spot")
        await town.until(trade.count, passing=1)
        await expect(trade).to_contain_text("Amina → David")
        await expect(trade).to_contain_text("0.40 kWh")
        await expect(trade.locator(".price")).to_have_text("5.00")
        await phone.reload()
        assert await phone.locator("#balance").inner_text() != balance
    assert (await town.household(david))["wallet"]["ekwh_wh"] == 400


async def test_a_dispute_is_resolved_and_its_note_stands_in_the_audit(town: Town) -> None:
    phone = await town.phone_of(town.home("Chebet"))
    try:
        async with town.screen("office") as desk, town.screen("office", size=SMALL_PHONE) as small:
            picture = base64.b64encode(await desk.screenshot(clip={"x": 0, "y": 0, "width": 200, "height": 120}))
            sent = await phone.post(
                "/complaints",
                {"about": "trade", "text": "The meter fell down at noon.", "photo": picture.decode()},
            )
            assert sent.status == 200, await sent.text()
            for page in (desk, small):
                await expect(page.locator("nav a", has_text="Reviews").locator(".count")).to_have_text("1")
                await go(page, "Reviews")
                case = page.locator("es-reviews article", has_text="The meter fell down at noon.")
                await expect(case).to_contain_text("A household complains")
                shown = case.get_by_role("img", name="Photo")
                await expect(shown).to_be_visible()
                await page.wait_for_function(
                    "picture => picture.naturalWidth === 200", arg=await shown.element_handle()
                )

            await small.locator("es-reviews article").get_by_role("button", name="Resolve").click()
            dialog = small.get_by_role("dialog")
            await expect(dialog).to_contain_text("The household reads your note")
            note = "The readings of 12:00 to 13:00 are right: both meters agree."
            await dialog.get_by_label("What was found and done").fill(note)
            await dialog.get_by_role("button", name="Close with this note").click()
            await expect(dialog).to_have_count(0)
            for page in (desk, small):
                await expect(page.locator("es-reviews .resolution")).to_have_text(note)
                await expect(page.locator("nav a", has_text="Reviews").locator(".count")).to_have_count(0)
                await go(page, "Office")
                act = page.locator("es-office li", has_text=note)
                await expect(act).to_contain_text("office")
                await expect(act).to_contain_text("resolved a review")
        (complaint,) = (await (await phone.get("/complaints")).json())["complaints"]
        assert (complaint["is_open"], complaint["answer"]) == (False, note)
    finally:
        await phone.session.close()


# What a page has to be used for reading: all that an auditor is offered.
CONTROLS = """() => {
  const acting =
    "button:not([aria-pressed], .link, .sort), input:not([type=search]), select:not(.choose), textarea, form";
  const found = [];
  const walk = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.shadowRoot) walk(one.shadowRoot);
      if (!one.matches(acting) || one.closest("header") || !one.checkVisibility()) continue;
      found.push((one.ariaLabel || one.textContent || one.localName).trim());
    }
  };
  walk(document);
  return found;
}"""
READING = ("Copy", "Close", "Check the readings")
ACTS = (
    ("/reviews/1/resolve", {"note": "looks fine"}),
    ("/proposals", {"kind": "suspend", "household": "h-001", "reason": "because"}),
    ("/proposals/admit:h-001:1/withdraw", {"reason": "because"}),
    ("/chain/pause", {"reason": "because"}),
    ("/mpesa/receipts/TKL0000001/reverse", {"reason": "because"}),
    ("/mpesa/households/h-001/payout", {"reason": "because"}),
    ("/relays/h-001", {"is_ended": True, "reason": "because"}),
    ("/tokens", {"name": "x", "scopes": ["households"], "days": 1}),
)


async def walk(page: Page) -> AsyncIterator[str]:
    """Go through every page of the console and every view of each, and name it once it is there."""
    links = page.locator("nav a")
    await expect(links.first).to_be_visible()
    for number in range(await links.count()):
        name = (await links.nth(number).locator("span").inner_text()).strip()
        await links.nth(number).click()
        tabs = page.locator("main .page-head .segments button")
        await expect(page.locator("main h1").first).to_have_text(name)
        for tab in range(max(1, await tabs.count())):
            view = name
            if await tabs.count():
                await tabs.nth(tab).click()
                view = f"{name}, {(await tabs.nth(tab).inner_text()).strip()}"
            await expect(page.get_by_text("Loading…")).to_have_count(0)
            yield view


async def test_an_auditor_sees_everything_and_can_change_nothing(town: Town) -> None:
    offered: dict[str, set[str]] = {}
    for user in ("regulator", "office"):
        async with town.screen(user) as page:
            seen: set[str] = set()
            async for view in walk(page):
                seen |= {
                    f"{view}: {label}" for label in await page.evaluate(CONTROLS) if not label.startswith(READING)
                }
            await go(page, "Households")
            await page.locator("es-households tbody tr", has_text="Brian").locator("button").click()
            await expect(page.get_by_role("dialog")).to_contain_text("Brian")
            seen |= {f"Brian: {label}" for label in await page.evaluate(CONTROLS) if not label.startswith(READING)}
            offered[user] = {one for one in seen if not one.startswith("Office, My sign-in: ")}
    assert offered["regulator"] == set()
    assert len(offered["office"]) >= 5, offered["office"]

    auditor = await town.person("regulator")
    for path, body in ACTS:
        answer = await auditor.post(path, body)
        assert answer.status == 403, (path, await answer.text())
        assert "only an admin may do this" in (await answer.json())["detail"]


async def test_a_suspended_member_is_shown_so_and_its_order_refused(town: Town) -> None:
    david = town.home("David")
    async with town.screen("office") as desk, town.screen("office", size=SMALL_PHONE) as small:
        for page in (desk, small):
            await go(page, "Households")
        await small.locator("es-households tbody tr", has_text="David").locator("button").click()
        await small.get_by_role("button", name="Suspend this household").click()
        question = small.locator("es-ask")
        await question.get_by_label("Why?").fill("The seal of the meter is broken.")
        await question.get_by_role("button", name="Ask the approvers").click()
        await expect(question).to_have_count(0)
        await expect(small.get_by_role("dialog")).to_contain_text("The approvers are asked.")
        for approver in APPROVERS[:2]:
            told = await town.approve(approver)
            assert "The seal of the meter is broken." in told[0]
            assert "h-004" in told[1]
        await small.get_by_role("button", name="Close").click()
        for page in (desk, small):
            row = page.locator("es-households tbody tr", has_text="David")
            await expect(row.locator(".pill").first).to_have_text("Suspended")
    answer = await town.hub.send(david.key, BuyOrder(**town.hub.head(), wh=100, at_most=1_300))
    assert answer.status == 403, await answer.text()
    assert "suspended" in (await answer.json())["detail"]


async def test_approvers_hand_their_office_on(town: Town) -> None:
    keys = [str(key.pubkey()) for key in (*APPROVERS[:2], Keypair.from_seed(bytes([204]) * 32))]
    async with town.screen("office", size=SMALL_PHONE) as page:
        await go(page, "Households")
        await page.get_by_role("button", name="Approvals").click()
        await page.get_by_role("button", name="Ask for other approvers").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Public keys of all approvers").fill("\n".join(keys))
        await dialog.get_by_label("Why?").fill("Grace follows Otieno.")
        await dialog.get_by_role("button", name="Ask the approvers").click()
        await expect(dialog).to_have_count(0)
        await expect(asked(page, "New approvers")).to_contain_text("0 of 2 signed")
        for approver in APPROVERS[:2]:  # once the hub has prepared what is signed
            told = "\n".join(await town.until(partial(town.approve, approver)))
            assert "Grace follows Otieno." in told
            assert keys[2] in told
        office = await town.person("office")

        async def is_through() -> bool:
            return keys[2] in (await (await office.get("/proposals")).json())["approvers"]

        await town.until(is_through)
        await page.reload()
        await page.get_by_role("button", name="Approvals").click()
        await expect(asked(page, "New approvers")).to_contain_text("Done")
        holders = page.locator("es-key-holders section").first.locator("es-key button")
        await expect(holders.last).to_have_attribute("title", keys[2])
        assert await holders.count() == len(keys)


async def test_approvers_hand_minting_to_other_verifiers(town: Town) -> None:
    keys = [one.key for one in town.hub.config.verifiers]
    async with town.screen("office", size=SMALL_PHONE) as page:
        await go(page, "Households")
        await page.get_by_role("button", name="Approvals").click()
        holders = page.locator("es-key-holders section", has_text="Verifiers")
        ready = holders.locator("ol").last.locator("es-key button")
        await expect(ready.first).to_have_attribute("title", keys[0])
        await expect(ready.last).to_have_attribute("title", keys[1])
        await page.get_by_role("button", name="Ask for these verifiers").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Why?").fill("The keys leave the hub's machine.")
        await dialog.get_by_role("button", name="Ask the approvers").click()
        await expect(dialog).to_have_count(0)
        await expect(asked(page, "New verifiers")).to_contain_text("0 of 2 signed")
        for approver in APPROVERS[:2]:
            told = "\n".join(await town.until(partial(town.approve, approver)))
            assert "The keys leave the hub's machine." in told
            assert all(key in told for key in keys)
        office = await town.person("office")

        async def are_verifiers() -> bool:
            found: list[str] = (await (await office.get("/proposals")).json())["verifiers"]
            return found == keys

        await town.until(are_verifiers)
        await page.reload()
        await page.get_by_role("button", name="Approvals").click()
        await expect(asked(page, "New verifiers")).to_contain_text("Done")
        await expect(holders.locator("ol")).to_have_count(1)
        await expect(holders.locator("es-key button").first).to_have_attribute("title", keys[0])
        await expect(page.get_by_role("button", name="Ask for these verifiers")).to_have_count(0)


@pytest.mark.parametrize(("size", "is_dark"), [(DESKTOP, False), (SMALL_PHONE, True)], ids=["desktop", "phone"])
async def test_every_page_is_for_everybody_and_fits(town: Town, size: tuple[int, int], is_dark: bool) -> None:
    found: dict[str, list[str]] = {}
    async with town.screen(None, size=size, is_dark=is_dark) as page:
        await expect(page.get_by_label("User")).to_be_visible()
        found["Sign in"] = await faults(page)
    async with town.screen("office", size=size, is_dark=is_dark) as page:
        async for view in walk(page):
            found[view] = await faults(page)
            if (width := await page.evaluate("() => document.documentElement.scrollWidth")) > size[0]:
                found[view].append(f"it is {width} px wide")
    assert {view: what for view, what in found.items() if what} == {}
    assert len(found) > 10


async def test_the_first_view_is_small(town: Town) -> None:
    async with town.screen("office", size=SMALL_PHONE) as page:
        await expect(page.locator("es-live .price")).to_contain_text("Price now")
        await page.wait_for_function("() => document.fonts.status === 'loaded'")
        sent = await page.evaluate("""() => Object.fromEntries(
          [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .map((one) => [one.name, one.transferSize]))""")
    assert [name for name in sent if name.endswith(".js")]
    assert sum(sent.values()) <= MOST_FIRST_BYTES, sent

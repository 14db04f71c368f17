"""Every dialog of the console, opened in Chromium on a phone's width and a desk's: it fits and keeps nobody out.

The hub is a real one; its answers are widened so that all which a person can be asked can be asked at once.
"""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from energy_swap_demo.browser import Browser, listen_for_errors
from energy_swap_hub.settlement.actions import Action
from playwright.async_api import Locator, Page, Route, expect

from tests.end_to_end.console_town import AXE, PATIENCE_SECONDS
from tests.end_to_end.long_books import running_long_hub
from tests.hub.web.conftest import Hub

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

SOURCES = Path(__file__).parents[2] / "hub/console/src"
SIZES = {"phone": ((360, 740), True), "desktop": ((1280, 900), False)}
KEY = "4Nd1mYQ6Yq7Vtd5a4HnQ7RQXbbBPrtgC2XbUPpRWw1qE"
FAULTS = """async (dialog) => (await axe.run(dialog, { resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id} at ${node.target.flat()}: ${node.failureSummary}`))"""
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


def named() -> set[str]:
    """Return the names of all dialogs, as the console's code lists them; its types let no other be opened."""
    listed = (SOURCES / "parts/dialogs.ts").read_text()
    return set(re.findall(r'^  "(.+)",$', listed, re.MULTILINE))


def test_no_dialog_is_without_a_name() -> None:
    found = [
        place for path in SOURCES.rglob("*.ts") for place in re.findall(r"<dialog\b[^>]{0,40}", path.read_text())
    ]
    assert found
    assert [one for one in found if not one.startswith("<dialog data-dialog=")] == []
    decided_in_dialogs = {f"review.{action}" for action in Action if action is not Action.ASK_AGAIN}
    assert decided_in_dialogs | {"review.note"} == {name for name in named() if name.startswith("review.")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with running_long_hub(tmp_path_factory.mktemp("dialogs"), 3, ("payments", "intents")) as hub:
        yield hub


async def widen(page: Page, path: str, change: Callable[[Any], Any]) -> None:
    """Have the console be told ``change`` of what the hub answers at ``path``."""

    async def answer(route: Route) -> None:
        told = await route.fetch()
        body = await told.json()
        await route.fulfill(response=told, json=change(body) or body)

    await page.route(re.compile(rf"/api/v1/console{path}(\?|$)"), answer)


def suspended(body: Any) -> None:
    body |= {"status": "suspended", "wallet": body["wallet"] | {"kes_cents": 12_300}}


def proposals(body: Any) -> None:
    asked = {"household": None, "name": None, "reason": "because", "asked_by": "office", "asked_at": 0}
    signing = {"state": "open", "is_under_way": True, "signatures": [], "needed": 2, "missing": None}
    body["proposals"] = [{"proposal": "suspend:h-001:9", "kind": "suspend", "wish": {}} | asked | signing]
    body["devices"] = [{"household": "h-002", "key": KEY, "since": 0}]
    body["configured_verifiers"] = [KEY, KEY[::-1]]
    body["hub"] |= {"next": KEY, "can_pause": True}


def relays(body: Any) -> None:
    heard = {
        "is_open": False,
        "is_protected": False,
        "sequence": 1,
        "outcome": "executed",
        "reason": "",
        "open_until": None,
    }
    first, second, third, _ = body["relays"]
    first["meter"] = heard | {"reported_at": 0}
    second["is_protected"], third["is_ended"] = True, True


def meters(body: Any) -> None:
    registers = {"export_wh": 1, "import_wh": 1, "generation_wh": 1}
    seen = {"meter": "aa" * 32, "sequence": 1, "measured_at": 0, "reason": "foreign_meter", "received_at": 0}
    body["waiting"] = [{"household": "h-001", "frames": 1, "frame": "x", "asked": None} | seen | registers]


def reviews(body: Any) -> list[Any]:
    case = {"evidence": {"kes": 500}, "opened_at": 0, "state": "open", "resolution": None}
    actions = [action for action in Action if action is not Action.ASK_AGAIN]
    return [
        case | {"id": n, "kind": "chain_failed", "subject": f"case-{n}", "actions": [one]}
        for n, one in enumerate(actions)
    ]


def phones(body: Any) -> None:
    times = {"paired_at": 0, "used_at": 0, "revoked_at": None, "revoked_by": None}
    body["phones"] = [{"id": "1", "household": "h-001", "name": "a phone"} | times]


def settings(body: Any) -> None:
    body["history"][0] |= {"state": "coming", "id": 1}


def mints(body: Any) -> None:
    for intent in body["intents"]:
        intent.update(id="mint:2026-11-20T11:30Z", wh=1_000)


class Opened:
    """The dialogs of a page that were looked at, and what was wrong with each."""

    def __init__(self, page: Page, width: int) -> None:
        self._page = page
        self._width = width
        self.names: set[str] = set()
        self.faults: dict[str, list[str]] = {}

    async def look(self, name: str, button: Locator, *, keep: bool = False) -> None:
        """Press ``button``, look at the dialog ``name`` that it opens, and close it unless it is to be kept."""
        await button.first.click()
        dialog = self._page.locator(f'dialog[data-dialog="{name}"]')
        await expect(dialog).to_be_visible()
        found = list(await dialog.evaluate(FAULTS))
        box = await dialog.bounding_box()
        assert box is not None
        if box["x"] < 0 or box["x"] + box["width"] > self._width:
            found.append(f"it lies from {box['x']} px on and is {box['width']} px wide")
        if too_wide := await dialog.evaluate("one => one.scrollWidth - one.clientWidth"):
            found.append(f"what is in it is {too_wide} px too wide")
        self.names.add(name)
        if found:
            self.faults[name] = found
        if not keep:
            await self._page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("size", SIZES)
async def test_every_dialog_fits_and_is_for_everybody(hub: Hub, size: str) -> None:
    pixels, is_dark = SIZES[size]
    person = await hub.admin()
    cookies = {one.key: one.value for one in person.session.cookie_jar}
    async with (
        Browser() as browser,
        browser.page(hub.url, {}, cookies=cookies, size=pixels, is_dark=is_dark) as page,
    ):
        await page.add_init_script(path=AXE)
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        errors, opened = listen_for_errors(page), Opened(page, pixels[0])
        for path, change in (
            ("/households/h-002", suspended), ("/households/h-003", lambda body: body.update(status="applied")),
            ("/proposals", proposals), ("/relays", relays), ("/meters/waiting", meters),
            ("/phones", phones), ("/settings", settings), ("/chain/intents", mints),
            ("/members/h-003", lambda body: body.update(status="applied")),
            ("/reviews", lambda body: {"reviews": reviews(body)}),
            ("/passkeys", lambda body: body.update(can_make=True)),
        ):  # fmt: skip
            await widen(page, path, change)

        def button(name: str) -> Locator:
            return page.get_by_role("button", name=name, exact=True)

        await page.goto(f"{hub.url}/households/h-001")
        details = page.locator("es-household-details")
        await expect(details.locator("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(details).to_have_count(0)
        rows = page.locator("es-households tbody tr")
        await opened.look("household", rows.nth(0).get_by_role("button"), keep=True)
        await opened.look("suspend", button("Suspend this household"))
        await opened.look("net_metering", button("Note a contract"))
        await opened.look("leave", button("Let it leave"))
        await opened.look("personal_data", button("Personal data as files"))
        await opened.look("take_phone", page.get_by_role("button", name="Take away"))
        await page.keyboard.press("Escape")
        await opened.look("household", rows.nth(1).get_by_role("button"), keep=True)
        await opened.look("readmit", button("Let this household in again"))
        await opened.look("pay_out", button("Pay out its money"))
        await page.keyboard.press("Escape")
        await opened.look("household", rows.nth(2).get_by_role("button"), keep=True)
        await opened.look("turn_away", button("Turn away"))
        await page.keyboard.press("Escape")

        await button("Approvals").click()
        await opened.look("withdraw_proposal", button("Take it back"))
        await opened.look("recover", button("Ask for the recovery"))
        await opened.look("hub", button("Ask for this key"))
        await opened.look("approvers", button("Ask for other approvers"))
        await opened.look("minters", button("Ask for these verifiers"))
        await opened.look("pause", button("Pause the token"))
        await widen(page, "/proposals", lambda body: body.update(is_paused=True))
        await page.reload()
        await button("Approvals").click()
        await opened.look("resume", button("Let the token move again"))

        await page.goto(f"{hub.url}/meters")
        await opened.look("begin_epoch", page.locator("es-meters article button.primary"))
        await button("Connections").click()
        marks = {
            "end": "End the connection",
            "protect": "Protect",
            "unprotect": "End the protection",
            "restore": "Connect again",
        }
        for mark, name in marks.items():
            await opened.look(
                f"relay.{mark}", page.locator("es-relays").get_by_role("button", name=name, exact=True)
            )

        await page.goto(f"{hub.url}/money")
        await opened.look("give_back", page.locator("es-money tbody button"))
        await page.goto(f"{hub.url}/settings")
        await opened.look("change_settings", button("Change settings"))
        await opened.look("withdraw_settings", button("Take back"))
        await page.goto(f"{hub.url}/chain")
        await opened.look("mint_check", button("Check the readings"))

        await page.goto(f"{hub.url}/office")
        await button("My sign-in").click()
        await opened.look("make_passkey", page.locator("es-passkeys button.primary"))
        await page.locator("es-office button", has_text="Set it up").click()
        await opened.look("confirm_factor", page.locator("es-office .new-factor button.primary"))
        await widen(page, "/session", lambda body: body.update(second_factor=True))
        await page.reload()
        await button("My sign-in").click()
        await opened.look(
            "remove_factor", page.locator("es-office section", has_text="Second factor").get_by_role("button")
        )

        await page.goto(f"{hub.url}/reviews")
        cases = page.locator("es-reviews article")
        for number, action in enumerate(one for one in Action if one is not Action.ASK_AGAIN):
            await opened.look(f"review.{action}", cases.nth(number).get_by_role("button"))
        await opened.look("review.note", cases.nth(0).get_by_role("button", name="Note only"))
    assert opened.faults == {}
    assert opened.names == named()
    # What was never minted cannot be proven: the browser notes that the hub has nothing to show.
    assert [one for one in errors if "404" not in one] == []

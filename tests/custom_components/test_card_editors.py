"""Cards that a person adds to a dashboard and sets in Home Assistant's own visual editor."""

from typing import Any

import pytest
from energy_swap_demo.browser import Browser, listen_for_errors
from energy_swap_demo.dashboards import make_card_dashboard
from energy_swap_demo.home_assistant import PATIENCE_SECONDS

from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.edge_records import records
from tests.custom_components.household import Household

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]
OFFERED = {
    "money": "Energy Swap: money and energy",
    "forecast": "Energy Swap: forecast",
    "history": "Energy Swap: history",
}


async def test_cards_are_added_and_set_in_the_visual_editor(household: Household, browser: Browser) -> None:
    """Two households, so that the choice of one shows."""
    home, edge = household.home, ContractEdge()
    edge.name = "Juma's shop"
    household.edge.records, edge.records = records(), records(70)
    await edge.start()
    other = await Household.set_up(home, edge)
    devices = await home.command("config/device_registry/list")
    device = next(one["id"] for one in devices if other.entry_id in one["config_entries"])
    dashboard = await make_card_dashboard(home, "market")
    async with browser.page(dashboard, await home.browser_storage()) as page:
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        errors = listen_for_errors(page)
        await page.goto(f"{dashboard}/0?edit=1")
        await page.locator("energy-swap-market-card .now").wait_for(state="attached")
        for number, (card, name) in enumerate(OFFERED.items(), 1):
            await page.click("hui-view ha-button:has-text('Add card')")
            await page.click("hui-dialog-create-card ha-tab-group-tab:has-text('By card')")
            await page.fill("hui-card-picker input", name)
            await page.click(f"hui-card-picker .card:has-text('{name}')")
            editor = page.locator("hui-dialog-edit-card")
            await editor.locator(f"energy-swap-{card}-card h2").wait_for()
            await editor.locator("input[name=title]").fill(f"Mine {number}")
            await editor.locator(f"energy-swap-{card}-card h2", has_text=f"Mine {number}").wait_for()
            await editor.locator("ha-device-picker").click()
            await editor.locator("ha-picker-combo-box ha-combo-box-item", has_text=edge.name).click()
            await editor.locator("ha-device-picker", has_text=edge.name).wait_for()
            if card == "history":  # what it shows is the chosen household's at once
                await editor.locator("energy-swap-history-card", has_text="70 periods").wait_for()
            await editor.locator("ha-dialog-footer ha-button", has_text="Save").click()
            await page.locator(f"hui-view energy-swap-{card}-card h2", has_text=f"Mine {number}").wait_for()
            await editor.locator("ha-dialog-footer").wait_for(state="detached")
        await page.goto(f"{dashboard}/0")
        await page.locator("energy-swap-market-card .now").wait_for(state="attached")
        for number, card in enumerate(OFFERED, 1):
            await page.locator(f"energy-swap-{card}-card h2", has_text=f"Mine {number}").wait_for()
        await page.locator("energy-swap-history-card", has_text="70 periods").wait_for()
        assert [error for error in errors if "CustomElementRegistry" in error or "energy-swap" in error] == []
    stored: dict[str, Any] = await home.command("lovelace/config", url_path="my-market")
    assert stored["views"][0]["cards"] == [
        {"type": "custom:energy-swap-market-card"},
        *(
            {"type": f"custom:energy-swap-{card}-card", "device_id": device, "title": f"Mine {number}"}
            for number, card in enumerate(OFFERED, 1)
        ),
    ]
    await other.remove()
    await edge.stop()

"""A settled period is an event once, when it becomes known."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from energy_swap_demo.home_assistant import PATIENCE_SECONDS, HomeAssistant

from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.documentation import automation_of_the_documentation
from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")


def settled(household: Household, period: str, **amounts: int) -> dict[str, Any]:
    return {**household.edge.state["last_settlement"], "period": period, **amounts}


async def told(household: Household) -> str:
    """Return when the last event was told, after everything that the edge sent has arrived."""
    queue = household.edge.state["hub"]["queue"] + 1
    await household.edge.change(hub={**household.edge.state["hub"], "queue": queue})
    await household.wait_for("readings_waiting", str(queue))
    return (await household.states())["settlement"]


async def test_a_newly_settled_period_is_told_once_with_its_amounts(household: Household) -> None:
    before = datetime.now(UTC)
    newer = settled(household, "2026-11-20T12:00Z", sold_wh=1_250, bought_wh=0, earned_cents=2_105, paid_cents=0)
    await household.edge.change(last_settlement=newer)
    first = await told(household)
    assert datetime.fromisoformat(first) >= before.replace(microsecond=0)
    attributes = await household.attributes("settlement")
    assert attributes["event_type"] == "settled"
    assert attributes["period"] == "2026-11-20T12:00Z"
    assert (attributes["sold_energy"], attributes["earned"]) == (1.25, 21.05)
    assert (attributes["bought_energy"], attributes["paid"]) == (0, 0)

    await household.edge.change(last_settlement=newer)
    assert await told(household) == first


async def test_what_was_settled_before_is_no_event(household: Household) -> None:
    before = await told(household)
    known = dict(household.edge.state)
    await household.edge.change(
        wallet=None, last_settlement=None
    )  # an edge that has not heard the hub since its start
    assert await told(household) == before
    await household.edge.change(wallet=known["wallet"], last_settlement=known["last_settlement"])
    assert await told(household) == before
    await household.edge.change(last_settlement=settled(household, "2026-11-20T11:00Z"))
    assert await told(household) == before


async def test_the_first_settlement_of_a_household_is_told(home: HomeAssistant, edge: ContractEdge) -> None:
    first, edge.state["last_settlement"] = edge.state["last_settlement"], None
    household = await Household.set_up(home, edge)
    try:
        before = await told(household)
        await edge.change(last_settlement=first)
        assert await told(household) != before
        assert (await household.attributes("settlement"))["period"] == first["period"]
    finally:
        await household.remove()


async def test_the_automation_of_the_documentation_tells_what_was_earned(household: Household) -> None:
    home, automation = household.home, automation_of_the_documentation("Tell what was earned")
    await home.request("POST", "config/automation/config/tell_earned", automation)
    try:
        await home.wait_for("automation.tell_what_was_earned", lambda state: state == "on")
        await household.edge.change(last_settlement=settled(household, "2026-11-20T12:00Z", earned_cents=0))
        await household.edge.change(last_settlement=settled(household, "2026-11-20T12:30Z", earned_cents=2_105))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (told := await home.command("persistent_notification/get")):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        assert [notification["message"] for notification in told] == ["0.82 kWh for KES 21.05"]
    finally:
        await home.request("DELETE", "config/automation/config/tell_earned")

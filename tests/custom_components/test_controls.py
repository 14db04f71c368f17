"""The limit prices and the payout as entities: nothing is shown before the edge says it."""

import asyncio
from typing import Any

import pytest
from energy_swap_demo.home_assistant import CommandFailedError

from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def set_limit(household: Household, key: str, value: object) -> None:
    fields = {"entity_id": household.entities[key], "value": value}
    await household.home.call("number", "set_value", fields, with_response=False)


async def press(household: Household) -> None:
    fields = {"entity_id": household.entities["pay_out"]}
    await household.home.call("button", "press", fields, with_response=False)


async def test_a_limit_is_set_and_the_other_one_kept(household: Household) -> None:
    await set_limit(household, "sell_limit", 12.35)
    assert household.edge.commands == [{"command": "set_limits", "sell_at_least": 1235, "buy_at_most": 2250}]
    states = await household.states()
    assert (states["sell_limit"], states["buy_limit"]) == ("12.35", "22.5")


async def test_both_limits_set_at_once_both_hold(household: Household) -> None:
    await asyncio.gather(set_limit(household, "sell_limit", 11), set_limit(household, "buy_limit", 19))
    states = await household.states()
    assert (states["sell_limit"], states["buy_limit"]) == ("11.0", "19.0")
    assert len(household.edge.commands) == 2


async def test_a_limit_can_be_set_where_there_was_none(household: Household) -> None:
    await household.edge.change(market={**household.edge.state["market"], "buy_at_most": None})
    await household.wait_for("buy_limit", "unknown")
    await set_limit(household, "buy_limit", 20)
    assert household.edge.commands == [{"command": "set_limits", "sell_at_least": 1400, "buy_at_most": 2000}]


@pytest.mark.parametrize(
    ("value", "message"),
    [(0, "outside valid range"), (1000.01, "outside valid range"), (12.345, "too many decimals")],
)
async def test_a_limit_that_cannot_be_is_refused(household: Household, value: float, message: str) -> None:
    with pytest.raises(CommandFailedError, match=message) as failed:
        await set_limit(household, "sell_limit", value)
    assert failed.value.code == "service_validation_error"
    assert household.edge.commands == []


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            {"code": "not_admitted", "message": "no", "key": "not_admitted_applied", "numbers": {}},
            "The community has not admitted this household yet. Ask its approvers",
        ),
        (
            {"code": "not_admitted", "message": "no", "key": "a_new_one"},
            "does not know this household as a member",
        ),
        ({"code": "a_new_code", "message": "ask somebody"}, "Not accepted: ask somebody"),
        ({"code": "hub_unreachable", "message": "nothing was done"}, "The community hub cannot be reached"),
    ],
)
async def test_a_refused_limit_is_never_shown(household: Household, refusal: dict[str, Any], said: str) -> None:
    household.edge.refusal = refusal
    with pytest.raises(CommandFailedError, match=said):
        await set_limit(household, "sell_limit", 12)
    assert (await household.states())["sell_limit"] == "14.0"


async def test_the_button_pays_out_all(household: Household) -> None:
    await press(household)
    assert household.edge.commands == [{"command": "pay_out"}]
    assert (await household.states())["pay_out"] != "unknown"


async def test_a_payout_that_is_refused_says_why(household: Household) -> None:
    household.edge.refusal = {"code": "payment_refused", "message": "M-Pesa pays out KES 10 or more."}
    with pytest.raises(CommandFailedError, match="Not accepted: M-Pesa pays out KES 10 or more"):
        await press(household)

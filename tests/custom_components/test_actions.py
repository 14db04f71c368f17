"""What Home Assistant asks of the edge: trades, limit prices, money in and out."""

import asyncio
from typing import Any

import pytest
from energy_swap_demo.home_assistant import CommandFailedError

from tests.custom_components.contract_edge import ORDER, ContractEdge
from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_sell_sends_whole_units_and_returns_the_hubs_answer(household: Household) -> None:
    answer = await household.home.call(
        "energy_swap",
        "sell",
        {
            "config_entry": household.entry_id,
            "energy": 1.234,
            "minimum_price": 18.57,
            "duration": {"hours": 1, "minutes": 30},
        },
    )
    assert household.edge.commands == [{"command": "sell", "wh": 1234, "at_least": 1857, "valid_for_minutes": 90}]
    assert answer == {"order": ORDER, "filled_wh": 0, "remaining_wh": 1234, "trades": [], "status": "open"}


async def test_buy_takes_text_from_templates_and_needs_no_response(household: Household) -> None:
    await household.home.call(
        "energy_swap", "buy", {"energy": "0.5", "maximum_price": "22.50"}, with_response=False
    )
    assert household.edge.commands == [{"command": "buy", "wh": 500, "at_most": 2250}]


@pytest.mark.parametrize(
    ("wrong", "key", "message"),
    [
        ({"energy": 0}, "amount_not_positive", "energy: 0 is not above zero"),
        ({"energy": -1.5}, "amount_not_positive", "energy: -1.5 is not above zero"),
        (
            {"energy": 0.0005},
            "amount_too_fine",
            "energy: 0.0005 has too many decimals. The smallest step is 0.001 kWh",
        ),
        ({"energy": "lots"}, "amount_not_a_number", "energy: lots is not a number"),
        ({"energy": True}, "amount_not_a_number", "energy: True is not a number"),
        ({"energy": "nan"}, "amount_not_a_number", "energy: nan is not a number"),
        (
            {"energy": 1e30},
            "amount_too_large",
            "energy: 1e+30 is too much. The most is 10000 kWh",
        ),
        ({"energy": 0.099}, "amount_too_small", "energy: 0.099 is too little. The least is 0.1 kWh"),
        (
            {"minimum_price": 1000.01},
            "amount_too_large",
            "minimum_price: 1000.01 is too much. The most is 1000 KES/kWh",
        ),
        (
            {"minimum_price": 18.555},
            "amount_too_fine",
            "minimum_price: 18.555 has too many decimals. The smallest step is 0.01 KES/kWh",
        ),
        (
            {"duration": {"seconds": 90}},
            "duration_not_minutes",
            "duration: 0:01:30 is not a whole number of minutes above zero",
        ),
        (
            {"duration": {"days": 367}},
            "duration_too_long",
            "duration: 367 days, 0:00:00 is too long. The longest is 366 days",
        ),
    ],
)
async def test_a_wrong_value_is_named_with_the_reason(
    household: Household, wrong: dict[str, Any], key: str, message: str
) -> None:
    with pytest.raises(CommandFailedError) as failed:
        await household.home.call("energy_swap", "sell", {"energy": 1, "minimum_price": 18, **wrong})
    assert failed.value.code == "service_validation_error"
    assert failed.value.translation_key == key
    assert failed.value.message == f"Validation error: {message}"
    assert household.edge.commands == []


async def test_a_refusal_says_why(household: Household) -> None:
    household.edge.refusal = {
        "code": "not_enough",
        "message": "wh: 9000 Wh are more than the 7250 Wh of eKWh that are free in the wallet",
        "key": "too_few_tokens",
        "numbers": {"have_wh": 7250, "need_wh": 9000},
    }
    with pytest.raises(CommandFailedError, match=r"You have 7\.25 kWh to sell and this needs 9 kWh") as failed:
        await household.home.call("energy_swap", "sell", {"energy": 9, "minimum_price": 18})
    assert failed.value.code == "service_validation_error"

    household.edge.refusal = {"code": "hub_unreachable", "message": "The hub cannot be reached; try again later."}
    with pytest.raises(
        CommandFailedError, match="The community hub cannot be reached; nothing was done"
    ) as failed:
        await household.home.call("energy_swap", "sell", {"energy": 9, "minimum_price": 18})
    assert failed.value.code == "home_assistant_error"


async def test_an_order_whose_answer_was_lost_is_not_called_failed(household: Household) -> None:
    household.edge.mute()
    order = asyncio.create_task(
        household.home.call("energy_swap", "sell", {"energy": 1, "minimum_price": 18}), name="order"
    )
    await household.edge.command_came.wait()
    await household.edge.drop()
    with pytest.raises(CommandFailedError, match="may or may not have been done"):
        await order


async def test_without_a_connection_nothing_is_sent(household: Household) -> None:
    await household.edge.stop()
    await household.wait_for("surplus_power", "unavailable")
    with pytest.raises(CommandFailedError, match="does not answer"):
        await household.home.call("energy_swap", "sell", {"energy": 1, "minimum_price": 18})


async def test_with_two_households_the_action_has_to_say_which(household: Household) -> None:
    other_edge = ContractEdge()
    await other_edge.start()
    other = await Household.set_up(household.home, other_edge)
    try:
        with pytest.raises(CommandFailedError):
            await household.home.call("energy_swap", "sell", {"energy": 1, "minimum_price": 18})
        await household.home.call(
            "energy_swap", "sell", {"config_entry": other.entry_id, "energy": 1, "minimum_price": 18}
        )
        assert (household.edge.commands, len(other_edge.commands)) == ([], 1)
    finally:
        await other.remove()
        await other_edge.stop()

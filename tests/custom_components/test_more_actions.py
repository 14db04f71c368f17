"""Orders taken back, auctions, limit prices, and money in and out, from Home Assistant."""

import asyncio
from typing import Any

import pytest
from energy_swap_demo.home_assistant import CommandFailedError

from tests.custom_components.contract_edge import AUCTION, ORDER
from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")

AN_HOUR = {"hours": 1}


@pytest.mark.parametrize(
    ("action", "fields", "command", "answer"),
    [
        (
            "cancel_order",
            {"order": ORDER.upper()},
            {"command": "cancel_order", "order": ORDER},
            {"order": ORDER, "status": "cancelled"},
        ),
        (
            "start_auction",
            {"energy": 0.5, "start_price": "9", "duration": {"hours": 2}},
            {"command": "start_auction", "wh": 500, "start_price": 900, "minutes": 120},
            {"auction": AUCTION, "status": "open"},
        ),
        (
            "bid",
            {"auction": AUCTION, "price": 9.5},
            {"command": "bid", "auction": AUCTION, "price": 950},
            {"status": "accepted", "leading": True},
        ),
        (
            "top_up",
            {"amount": 500.0},
            {"command": "top_up", "kes": 500},
            {"intent": "fe7eedf8", "status": "queued"},
        ),
        (
            "pay_out",
            {"amount": "200"},
            {"command": "pay_out", "kes": 200},
            {"payout": "836e4f85", "status": "accepted", "kes": 200},
        ),
        ("pay_out", {}, {"command": "pay_out"}, {"payout": "836e4f85", "status": "accepted", "kes": 1234}),
    ],
)
async def test_each_action_is_one_command_and_returns_its_answer(
    household: Household, action: str, fields: dict[str, Any], command: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert await household.home.call("energy_swap", action, fields) == answer
    await household.home.call("energy_swap", action, fields, with_response=False)
    assert household.edge.commands == [command, command]


@pytest.mark.parametrize(
    ("action", "fields", "key", "message"),
    [
        ("cancel_order", {"order": "mine"}, "not_an_id", "order: mine is not an id"),
        (
            "start_auction",
            {"energy": 0.05, "start_price": 9, "duration": AN_HOUR},
            "amount_too_small",
            "energy: 0.05 is too little. The least is 0.1 kWh",
        ),
        (
            "start_auction",
            {"energy": 1, "start_price": 0, "duration": AN_HOUR},
            "amount_not_positive",
            "start_price: 0 is not above zero",
        ),
        (
            "start_auction",
            {"energy": 1, "start_price": 9, "duration": 0},
            "duration_not_minutes",
            "duration: 0:00:00 is not a whole number of minutes above zero",
        ),
        ("bid", {"auction": "", "price": 9}, "not_an_id", "auction:  is not an id"),
        ("bid", {"auction": AUCTION, "price": "all"}, "amount_not_a_number", "price: all is not a number"),
        (
            "top_up",
            {"amount": 10.5},
            "amount_too_fine",
            "amount: 10.5 has too many decimals. The smallest step is 1 KES",
        ),
        (
            "top_up",
            {"amount": 250_001},
            "amount_too_large",
            "amount: 250001 is too much. The most is 250000 KES",
        ),
        ("pay_out", {"amount": -5}, "amount_not_positive", "amount: -5 is not above zero"),
        ("set_limits", {}, "no_limit_given", "Fill in at least one limit, or what is to stop"),
        (
            "set_limits",
            {"stop_selling": False},
            "no_limit_given",
            "Fill in at least one limit, or what is to stop",
        ),
        (
            "set_limits",
            {"buy_at_most": 20, "stop_buying": True},
            "limit_and_stop",
            "Fill in either buy_at_most or stop_buying, not both",
        ),
        ("set_limits", {"sell_at_least": 0}, "amount_not_positive", "sell_at_least: 0 is not above zero"),
    ],
)
async def test_a_wrong_value_reaches_nobody(
    household: Household, action: str, fields: dict[str, Any], key: str, message: str
) -> None:
    with pytest.raises(CommandFailedError) as failed:
        await household.home.call("energy_swap", action, fields)
    assert failed.value.code == "service_validation_error"
    assert failed.value.translation_key == key
    assert failed.value.message == f"Validation error: {message}"
    assert household.edge.commands == []


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("cancel_order", {}),
        ("start_auction", {"energy": 1, "start_price": 9}),
        ("bid", {"auction": AUCTION}),
        ("top_up", {}),
    ],
)
async def test_what_is_needed_cannot_be_left_out(
    household: Household, action: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(CommandFailedError) as failed:
        await household.home.call("energy_swap", action, fields)
    assert failed.value.code == "invalid_format"
    assert household.edge.commands == []


async def test_a_refused_payout_says_why(household: Household) -> None:
    household.edge.refusal = {"code": "payment_refused", "message": "M-Pesa pays out KES 10 or more."}
    with pytest.raises(CommandFailedError, match="Not accepted: M-Pesa pays out KES 10 or more"):
        await household.home.call("energy_swap", "pay_out", {})


async def test_the_market_is_told_in_the_response(household: Household) -> None:
    state = household.edge.state
    assert await household.home.call("energy_swap", "get_market", {}) == {
        "orders": state["orders"],
        "auctions": state["auctions"],
        "best_sell": None,
        "best_buy": {"cents_per_kwh": 1_100, "wh": 900},
    }
    assert household.edge.commands == []

    await household.edge.change(hub={"status": "unreachable", "since": 1795168800, "queue": 0})
    await household.wait_for("hub_connection", "off")
    with pytest.raises(CommandFailedError, match="The community hub is away"):
        await household.home.call("energy_swap", "get_market", {})


async def test_a_limit_that_is_not_filled_in_stays(household: Household) -> None:
    await household.home.call("energy_swap", "set_limits", {"sell_at_least": 12.5, "stop_buying": False})
    await household.home.call("energy_swap", "set_limits", {"stop_selling": True, "buy_at_most": 20})
    assert household.edge.commands == [
        {"command": "set_limits", "sell_at_least": 1250, "buy_at_most": 2250},
        {"command": "set_limits", "sell_at_least": None, "buy_at_most": 2000},
    ]


async def test_two_changes_at_once_do_not_undo_each_other(household: Household) -> None:
    await asyncio.gather(
        household.home.call("energy_swap", "set_limits", {"sell_at_least": 11}),
        household.home.call("energy_swap", "set_limits", {"buy_at_most": 19}),
    )
    market = household.edge.state["market"]
    assert (market["sell_at_least"], market["buy_at_most"]) == (1100, 1900)


async def test_limits_that_nobody_knows_are_not_changed(household: Household) -> None:
    await household.edge.change(market=None)
    await household.wait_for("clearing_price", "unknown")
    with pytest.raises(CommandFailedError, match="Your limits are not known yet"):
        await household.home.call("energy_swap", "set_limits", {"sell_at_least": 11})
    assert household.edge.commands == []

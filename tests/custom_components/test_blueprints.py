"""Each blueprint does once what it is for, in a running Home Assistant."""

import asyncio
from typing import Any

import pytest
from energy_swap_demo.home_assistant import PATIENCE_SECONDS

from tests.custom_components.automations import (
    NO_TIME,
    PHONE,
    a_switch,
    by_blueprint,
    notification,
    phone,
    tap,
    until_idle,
)
from tests.custom_components.contract_edge import ContractEdge
from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def until_commands(edge: ContractEdge, count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(edge.commands) < count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def advise(household: Household, action: str) -> None:
    await household.edge.change(advice={**household.edge.state["advice"], "action": action})
    await household.wait_for("recommendation", action)


async def balance(household: Household, cents: int) -> None:
    await household.edge.change(wallet={**household.edge.state["wallet"], "kes_cents": cents})
    await household.wait_for("kes_balance", str(cents / 100).removesuffix(".0"))


def what_selling_looks_at(household: Household) -> dict[str, str]:
    """Return the answers to the blueprint's questions for entities."""
    of = household.entities
    return {
        "recommendation": of["recommendation"],
        "balance": of["token_balance"],
        "suggested_price": of["suggested_sell_price"],
        "surplus_tomorrow": of["surplus_tomorrow"],
    }


async def test_selling_by_forecast_and_price(household: Household) -> None:
    await advise(household, "hold")
    async with by_blueprint(
        household.home,
        "sell_by_forecast_and_price",
        **what_selling_looks_at(household),
        floor=14,
        reserve=1.5,
    ):
        await advise(household, "sell")
        await until_commands(household.edge, 1)
        assert household.edge.commands == [
            {"command": "sell", "wh": 5750, "at_least": 1520, "valid_for_minutes": 120}
        ]


async def test_nothing_is_sold_on_the_eve_of_a_poor_day(household: Household) -> None:
    await household.edge.change(forecast={**household.edge.state["forecast"], "surplus_tomorrow_wh": 500})
    await advise(household, "hold")
    async with by_blueprint(
        household.home,
        "sell_by_forecast_and_price",
        **what_selling_looks_at(household),
    ):
        await advise(household, "sell")
        # The next change finds a better tomorrow: of the two moments only this one sells.
        await household.edge.change(forecast={**household.edge.state["forecast"], "surplus_tomorrow_wh": 5_000})
        await household.edge.change(wallet={**household.edge.state["wallet"], "ekwh_wh": 2_000})
        await until_commands(household.edge, 1)
        assert [command["wh"] for command in household.edge.commands] == [1500]


async def test_asking_before_selling(household: Household) -> None:
    async with phone(household.home):
        for language, question in (("en", "Sell 1.2 kWh at KES 15.2"), ("sw", "Uza kWh 1.2 kwa KES 15.2")):
            await advise(household, "hold")
            async with by_blueprint(
                household.home,
                "ask_before_selling",
                recommendation=household.entities["recommendation"],
                balance=household.entities["token_balance"],
                notify=PHONE,
                language=language,
            ):
                await advise(household, "sell")
                shown = await notification(household.home)
                assert shown["message"].startswith(question)
                sell, keep = shown["message"].split()[-2:]
                await tap(household.home, keep if language == "en" else sell)
                if language == "en":
                    await household.home.wait_for("automation.ask_before_selling", lambda state: state == "on")
        await until_commands(household.edge, 1)
    assert household.edge.commands == [{"command": "sell", "wh": 1200, "at_least": 1520, "valid_for_minutes": 120}]


async def test_nobody_is_asked_to_sell_what_is_not_there(household: Household) -> None:
    """The advice may be about the surplus to come, which the standing limits sell by themselves."""

    async def tokens(wh: int) -> None:
        await household.edge.change(wallet={**household.edge.state["wallet"], "ekwh_wh": wh})
        await household.home.wait_for(household.entities["token_balance"], lambda state: float(state) == wh / 1000)

    async with phone(household.home):
        await advise(household, "hold")
        async with by_blueprint(
            household.home,
            "ask_before_selling",
            recommendation=household.entities["recommendation"],
            balance=household.entities["token_balance"],
            notify=PHONE,
        ):
            await tokens(0)
            await advise(household, "sell")
            await advise(household, "hold")
            await tokens(700)
            await advise(household, "sell")
            assert (await notification(household.home))["message"].startswith("Sell 0.7 kWh at KES 15.2")
            assert await household.home.command("persistent_notification/get") == []


async def test_buying_when_cheap(household: Household) -> None:
    def against_week(percent: int) -> dict[str, Any]:
        return {**household.edge.state["guidance"], "now_against_week_percent": percent}

    await household.edge.change(guidance=against_week(5))
    await household.wait_for("price_against_week", "5")
    async with by_blueprint(
        household.home,
        "buy_when_cheap",
        price_against_week=household.entities["price_against_week"],
        kes_balance=household.entities["kes_balance"],
        energy=2,
        most=16,
    ) as automation:
        # Cheap, cheaper still, not cheap, cheap again; and how often it has bought by then.
        for percent, bought in ((-12, 1), (-20, 1), (-3, 1), (-11, 2)):
            await household.edge.change(guidance=against_week(percent))
            await household.wait_for("price_against_week", str(percent))
            await until_commands(household.edge, bought)
            await until_idle(household.home, automation)
    assert household.edge.commands == [
        {"command": "buy", "wh": 2000, "at_most": 1600, "valid_for_minutes": 60},
        {"command": "buy", "wh": 2000, "at_most": 1600, "valid_for_minutes": 60},
    ]


async def test_a_load_runs_on_surplus(household: Household) -> None:
    async def surplus(watts: int) -> None:
        power = {**household.edge.state["power"], "surplus_w": watts, "net_w": -watts}
        await household.edge.change(power=power)

    await surplus(200)
    await household.wait_for("surplus_power", "200")
    async with (
        a_switch(household.home) as load,
        by_blueprint(
            household.home,
            "run_a_load_on_surplus",
            surplus_power=household.entities["surplus_power"],
            load={"entity_id": load},
            on_above=1000,
            off_below=100,
            steady_for=NO_TIME,
        ),
    ):
        await surplus(1500)
        await household.home.wait_for(load, lambda state: state == "on")
        await surplus(20)
        await household.home.wait_for(load, lambda state: state == "off")


async def test_a_reminder_to_top_up(household: Household) -> None:
    async with (
        phone(household.home),
        by_blueprint(
            household.home,
            "remind_to_top_up",
            kes_balance=household.entities["kes_balance"],
            notify=PHONE,
            language="sw",
            below=100,
            amount=300,
        ),
    ):
        await balance(household, 4_000)
        shown = await notification(household.home)
        assert shown["message"].startswith("KES 40")
        await tap(household.home, shown["message"].split()[-1])
        await until_commands(household.edge, 1)
    assert household.edge.commands == [{"command": "top_up", "kes": 300}]


async def test_a_relay_follows_the_prepaid_balance(household: Household) -> None:
    async with (
        a_switch(household.home, is_on=True) as relay,
        by_blueprint(
            household.home,
            "relay_by_prepaid_balance",
            kes_balance=household.entities["kes_balance"],
            relay=relay,
            grace=NO_TIME,
        ) as automation,
    ):
        await balance(household, 0)
        await household.home.wait_for(relay, lambda state: state == "off")
        await balance(household, 4_900)
        await balance(household, 5_100)
        await household.home.wait_for(relay, lambda state: state == "on")
        # A hub that is away is no empty wallet.
        await household.edge.change(hub={"status": "unreachable", "since": 1, "queue": 0})
        await household.wait_for("kes_balance", "unavailable")
        await until_idle(household.home, automation)
        state = await household.home.state(relay)
        assert state is not None
        assert state["state"] == "on"

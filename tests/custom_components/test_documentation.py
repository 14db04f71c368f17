"""The examples of the documentation are done as they stand there."""

from typing import Any

import pytest

from tests.custom_components.contract_edge import AUCTION, ORDER
from tests.custom_components.documentation import is_automation, yaml_blocks
from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")


def examples() -> list[list[dict[str, Any]]]:
    """Return the steps of every example that is no whole automation, without what it waits for."""
    steps = [block if isinstance(block, list) else [block] for block in yaml_blocks() if not is_automation(block)]
    return [[step for step in block if "delay" not in step] for block in steps]


async def test_the_examples_do_what_they_say(household: Household) -> None:
    for steps in examples():
        await household.home.command("execute_script", sequence=steps)
    assert household.edge.commands == [
        {"command": "set_limits", "sell_at_least": 1250, "buy_at_most": 2250},
        {"command": "buy", "wh": 1500, "at_most": 1600, "valid_for_minutes": 120},
        {"command": "cancel_order", "order": ORDER},
        {"command": "sell", "wh": 500, "at_least": 1200, "valid_for_minutes": 120},
        {"command": "set_limits", "sell_at_least": 1250, "buy_at_most": None},
        {"command": "start_auction", "wh": 2000, "start_price": 1000, "minutes": 240},
        {"command": "bid", "auction": AUCTION, "price": 1400},
        {"command": "top_up", "kes": 500},
        {"command": "pay_out", "kes": 200},
    ]

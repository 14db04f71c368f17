"""The office sees what the community's fund holds, its policy, and the last rewards; and the advice of the day."""

from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession
from energy_swap_hub import ledger
from energy_swap_hub.config import HubConfig, RewardPolicy
from energy_swap_hub.hub import running_hub
from energy_swap_hub.ledger import FEES, FUND, Entry, Posting
from energy_swap_hub.settlement.rewards import grid_reward
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, insert

from tests.hub.village import OPENED, VILLAGE

from .conftest import Hub, clock


async def pages(config: HubConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    url = f"http://127.0.0.1:{config.port}"
    async with running_hub(config, clock), ClientSession(url) as session:
        hub = Hub(url, config, session)
        admin = await hub.admin()
        fund = await (await admin.get("/ledger/fund")).json()
        advice = await (await admin.get("/advice")).json()
        await hub.close()
    return fund, advice


def rewarded(connection: Connection) -> None:
    """Record two days with rewards out of a fund of KES 5.00."""
    fees = [Posting(FEES, 1_000), Posting(ledger.SUSPENSE, -1_000)]
    ledger.post(connection, VILLAGE, Entry("correction", "fees", OPENED, "fees", fees))
    ledger.post(
        connection, VILLAGE, Entry("fund", "2026-11-18", OPENED, "fund", [Posting(FEES, -500), Posting(FUND, 500)])
    )
    rows = (("2026-11-18", "h-001", 300, 300), ("2026-11-18", "h-002", 100, 100), ("2026-11-19", "h-001", 250, 60))
    for day, household, earned, paid in rows:
        connection.execute(
            insert(grid_reward).values(
                community_id=VILLAGE,
                day=day,
                household_id=household,
                export_wh=2_000,
                earned_cents=earned,
                paid_cents=paid,
            )
        )


async def test_the_office_sees_the_fund_its_policy_and_the_last_rewards(config: HubConfig) -> None:
    database = Database.open(Path(config.data) / "hub.sqlite")
    await database.write(rewarded)
    await database.close()
    policy = RewardPolicy(cents_per_kwh=200)
    community = msgspec.structs.replace(config.community, rewards=policy)
    fund, advice = await pages(msgspec.structs.replace(config, community=community))
    assert fund == {
        "fund_cents": 500,
        "policy": {
            "cents_per_kwh": 200,
            "fund_percent": 20,
            "premium_percent": 150,
            "peak_from": 18,
            "peak_until": 22,
        },
        "rewards": [
            {"day": "2026-11-19", "households": 1, "export_wh": 2_000, "earned_cents": 250, "paid_cents": 60},
            {"day": "2026-11-18", "households": 2, "export_wh": 4_000, "earned_cents": 400, "paid_cents": 400},
        ],
    }
    assert advice["guidance"]["key"] == "too_little_data"
    assert advice["balancing"]["days"] == 0


async def test_without_a_policy_there_is_nothing_to_see(config: HubConfig) -> None:
    fund, _ = await pages(config)
    assert fund == {"fund_cents": 0, "policy": None, "rewards": []}

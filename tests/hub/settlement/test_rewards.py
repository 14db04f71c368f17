"""The fund takes its share of a closed day's fees and pays rewards out of it, once, and never more than it has."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from energy_swap_hub import ledger
from energy_swap_hub.config import RewardPolicy
from energy_swap_hub.ledger import FEES, FUND, Entry, Posting
from energy_swap_hub.settlement.rewards import (
    fund_day,
    grid_reward,
    is_over,
    last_rewards,
    pay_rewards,
    rewards_of,
)
from energy_swap_hub.settlement.statements import statement
from energy_swap_hub.settlement.totals import due_cents

from tests.hub.conftest import ENGINES
from tests.hub.village import GRACE, OPENED, VILLAGE, Village, community, copy_of, forget, open_village

DAY = date(2026, 11, 20)
MIDNIGHT = OPENED.replace(hour=21)  # in Nairobi
POLICY = RewardPolicy(cents_per_kwh=100, fund_percent=40)


@pytest.fixture
def policy() -> RewardPolicy | None:
    return POLICY


@pytest.fixture
async def village(founded: Path, tmp_path: Path, policy: RewardPolicy | None) -> AsyncIterator[Village]:
    """A village that pays rewards."""
    folder = copy_of(founded, tmp_path / "village")
    async with open_village(folder, rules=community(rewards=policy)) as village:
        yield village
        assert await village.balance(FUND) >= 0
        await village.check()
    forget(folder)


async def a_day(village: Village) -> None:
    """Amina and Brian give 4 and 2 kWh at noon, Chebet takes 3 and buys them: KES 1.50 of fees."""
    await village.fund(village.chebet, 50_000)
    for home in (village.amina, village.brian):
        await village.standing(home, sell=1_000)
    await village.standing(village.chebet, buy=1_000)
    await village.end_period({"h-001": 4_000, "h-002": 2_000, "h-003": -3_000})


async def end_day(village: Village, midnight: datetime = MIDNIGHT) -> None:
    """Let settlement book the rest of the day and do what is due after it."""
    village.now = midnight + GRACE
    await village.advance()
    await village.chain_works()


async def run(village: Village, day: date = DAY) -> tuple[bool, bool]:
    def change(connection: Any) -> tuple[bool, bool]:
        funded = fund_day(connection, village.community, day, village.now)
        return funded, pay_rewards(connection, village.community, day, village.now)

    return await village.database.write(change)


@pytest.mark.parametrize("founded", ENGINES, indirect=True)
async def test_the_fund_gets_its_share_of_the_fees_and_pays_what_was_earned(village: Village) -> None:
    await a_day(village)
    await end_day(village)
    assert await village.balance(FEES) == 150 - 60
    # Index 100 x 6 / 9: 4 kWh x e^-0.667 x 100 = 205, 2 kWh 103, and the fund has 60 of these 308 cents.
    assert [row | {"community_id": VILLAGE} for row in await village.rows(grid_reward)] == [
        {
            "community_id": VILLAGE,
            "day": "2026-11-20",
            "household_id": household,
            "export_wh": wh,
            "earned_cents": earned,
            "paid_cents": paid,
        }
        for household, wh, earned, paid in (("h-001", 4_000, 205, 40), ("h-002", 2_000, 103, 20))
    ]
    assert await village.balance(FUND) == 0
    paid = [
        await village.read(lambda c, h=home: ledger.posted_by(c, VILLAGE, ledger.kes(h.id), ["reward"]))  # type: ignore[misc]
        for home in village.homes
    ]
    assert paid == [40, 20, 0, 0]


async def test_a_day_is_funded_and_rewarded_once(village: Village) -> None:
    await a_day(village)
    await end_day(village)
    trial = await village.trial_balance()
    assert await run(village) == (False, False)
    assert await village.trial_balance() == trial


@pytest.mark.parametrize("policy", [RewardPolicy(cents_per_kwh=1, fund_percent=100)])
async def test_what_a_rich_fund_has_left_stays_for_other_days(village: Village) -> None:
    await a_day(village)
    await end_day(village)
    rows = await village.rows(grid_reward)
    assert [row["paid_cents"] for row in rows] == [row["earned_cents"] for row in rows] == [2, 1]
    assert await village.balance(FUND) == 150 - 3
    assert await village.balance(FEES) == 0


async def test_a_day_whose_periods_are_not_all_booked_waits(village: Village) -> None:
    await a_day(village)
    village.now = MIDNIGHT + timedelta(minutes=1)
    await village.advance()
    assert not await village.read(lambda c: is_over(c, village.community, DAY))
    with pytest.raises(ValueError, match="2026-11-20 is not over"):
        await run(village)
    assert await village.rows(grid_reward) == []
    await end_day(village)
    assert await village.read(lambda c: is_over(c, village.community, DAY))
    assert len(await village.rows(grid_reward)) == 2


@pytest.mark.parametrize("policy", [RewardPolicy(cents_per_kwh=1_000, fund_percent=100, premium_percent=200)])
async def test_energy_held_back_until_the_evening_earns_nothing(village: Village) -> None:
    amina, brian = village.amina, village.brian
    await village.end_period({"h-001": 500, "h-002": 500})
    village.now = OPENED.replace(hour=14, minute=30)  # 17:30 in Nairobi; nothing was heard since 12:30
    await village.report(brian)
    village.now = OPENED.replace(hour=15, minute=30)  # the peak has begun at 18:00
    await village.report(amina, export_wh=5_000)
    await village.report(brian, export_wh=1_000)
    await end_day(village)
    given = {row["household_id"]: row["export_wh"] for row in await village.rows(grid_reward)}
    assert given == {"h-001": 500, "h-002": 500 + 1_000}
    [brians] = [row["earned_cents"] for row in await village.rows(grid_reward) if row["household_id"] == "h-002"]
    assert brians == round(0.5 * 0.36788 * 1_000 + 1 * 0.36788 * 2_000), "nobody took any: index 100, peak x 2"


@pytest.mark.parametrize("policy", [None])
async def test_without_a_policy_nothing_moves(village: Village) -> None:
    await a_day(village)
    await end_day(village)
    assert await run(village) == (False, False)
    assert await village.balance(FEES) == 150
    assert not [row for row in await village.rows(ledger.tables.entry) if row["source"] in ("fund", "reward")]


async def test_fees_that_were_given_back_do_not_reach_the_fund(village: Village) -> None:
    await a_day(village)
    spent = Entry(
        "correction", "a mistake", village.now, "too much", (Posting(FEES, -140), Posting(ledger.SUSPENSE, 140))
    )
    await village.database.write(lambda c: ledger.post(c, VILLAGE, spent))
    await end_day(village)
    assert await village.balance(FEES) == 0
    assert sum(row["paid_cents"] for row in await village.rows(grid_reward)) == 10


@pytest.mark.parametrize("founded", ENGINES, indirect=True)
async def test_fees_of_each_day_come_in_once_and_the_last_period_of_a_day_with_the_next(village: Village) -> None:
    await a_day(village)
    village.now = MIDNIGHT - timedelta(minutes=30)
    for home in village.homes:
        await village.report(home)
    await village.advance()
    await village.end_period({"h-001": 1_000, "h-003": -1_000})  # booked at midnight: on the next day
    await end_day(village)
    fund = [row for row in await village.rows(ledger.tables.posting) if row["account"] == FUND]
    assert [row["amount"] for row in fund] == [60, -60]
    await end_day(village, MIDNIGHT + timedelta(days=1))
    fund = [row for row in await village.rows(ledger.tables.posting) if row["account"] == FUND]
    assert [row["amount"] for row in fund] == [60, -60, 20], "40 % of 0.50, and nobody gave energy on that day"
    days = await village.read(lambda c: last_rewards(c, VILLAGE, newest=5))
    assert [(day["day"], day["households"], day["paid_cents"]) for day in days] == [("2026-11-20", 2, 60)]


async def test_a_reward_is_on_the_statement_and_due_in_the_evening(village: Village) -> None:
    await a_day(village)
    await end_day(village)
    assert await village.read(lambda c: due_cents(c, VILLAGE, "h-001")) == 40, "the sale was paid out at 19:00"
    far = timedelta(days=9)
    found = await village.read(lambda c: statement(c, VILLAGE, "h-001", "Amina", OPENED - far, OPENED + far))
    assert found.lines[-1].text == (
        "Grid reward for 2026-11-20: KES 0.40 for 4.000 kWh given to the neighbourhood (they earned KES 2.05, the "
        "fund could pay a part)"
    )
    assert found.lines[-1].kind == "reward"
    assert (found.totals["rewarded_cents"], found.totals["other_cents"]) == (40, 0)
    assert found.closing["kes_cents"] == await village.cents(village.amina)
    reward = await village.read(lambda c: rewards_of(c, VILLAGE, "h-001", ["2026-11-20", "2026-11-21"]))
    assert [(day, r.paid_cents) for day, r in reward.items()] == [("2026-11-20", 40)]


def test_a_peak_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"peak_from \(22\) is an hour before peak_until \(6\)"):
        msgspec.convert({"cents_per_kwh": 1, "peak_from": 22, "peak_until": 6}, RewardPolicy)

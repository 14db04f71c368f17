"""Partners before the community, and the utility after it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_hub.settlement.statements import statement
from energy_swap_protocol.message import ChoosePartners

from tests.hub.village import FEES, OPENED, PERIOD, VILLAGE, Village, community, copy_of, forget, open_village

MONEY = 10_000

type Opened = Callable[..., AbstractAsyncContextManager[Village]]


@pytest.fixture
def opened(founded: Path, tmp_path: Path) -> Opened:
    """Open a village of its own with other rules."""

    @asynccontextmanager
    async def open_with(**rules: Any) -> AsyncIterator[Village]:
        folder = copy_of(founded, tmp_path / "other")
        async with open_village(folder, rules=community(**rules)) as village:
            yield village
            await village.check()
        forget(folder)

    return open_with


async def trades(village: Village) -> list[tuple[str, str, str, int, int]]:
    return [
        (row["market"], row["seller"], row["buyer"], row["wh"], row["cents_per_kwh"])
        for row in await village.rows(tables.trade)
    ]


async def evening(village: Village) -> None:
    """Amina has 1 kWh; Chebet offers 1,500 cents for it and David 2,000."""
    await village.standing(village.amina, sell=1_000)
    await village.standing(village.chebet, buy=1_500)
    await village.standing(village.david, buy=2_000)
    for home in (village.chebet, village.david):
        await village.fund(home, MONEY)


async def test_partners_trade_before_a_stranger_who_offers_more(village: Village) -> None:
    amina, chebet, david = village.amina, village.chebet, village.david
    await evening(village)
    await village.choose(amina, chebet)
    await village.choose(chebet, amina)
    period = await village.end_period({amina.id: 1_000, chebet.id: -600, david.id: -1_000})
    # 400 Wh are left for David at the middle of 1,000 and 2,000, but he wants more: the price is his limit. It is
    # beyond Chebet's limit, so Amina and Chebet meet in the middle of theirs.
    assert await trades(village) == [
        ("partner", amina.id, chebet.id, 600, 1_250),
        ("period", amina.id, david.id, 400, 2_000),
    ]
    assert await village.cents(amina) == 750 + 800
    assert await village.cents(chebet) == MONEY - 870  # 0.600 x (1,250 + 200)
    assert await village.cents(david) == MONEY - 880  # 0.400 x (2,000 + 200)
    [row] = await village.rows(tables.period)
    assert (row["cents_per_kwh"], row["supply_wh"], row["demand_wh"], row["traded_wh"]) == (
        2_000,
        1_000,
        1_600,
        1_000,
    )
    found = await village.read(
        lambda c: statement(c, VILLAGE, amina.id, "", OPENED - PERIOD, village.now + PERIOD)
    )
    assert found.lines[-1].text == (
        "Period of 2026-11-20 12:00: sold 1.000 kWh at KES 12.50 to 20.00 per kWh for KES 15.50, "
        "0.600 kWh of it with partners"
    )
    assert (found.totals["other_cents"], found.totals["other_wh"], period) == (0, 0, "2026-11-20T09:00Z")


async def test_only_who_is_chosen_back_is_a_partner_and_the_newest_choice_counts(village: Village) -> None:
    amina, chebet, david = village.amina, village.chebet, village.david
    await evening(village)
    await village.choose(chebet, amina)
    await village.end_period({amina.id: 1_000, chebet.id: -1_000, david.id: -1_000})
    assert [market for market, *_ in await trades(village)] == ["period"]
    await village.choose(amina, chebet)
    await village.end_period({amina.id: 1_000, chebet.id: -1_000, david.id: -1_000})
    await village.choose(amina)
    await village.end_period({amina.id: 1_000, chebet.id: -1_000, david.id: -1_000})
    assert [(market, buyer) for market, _, buyer, _, _ in await trades(village)] == [
        ("period", david.id),
        ("partner", chebet.id),
        ("period", david.id),
    ]


async def test_a_community_without_partners_takes_no_notice_of_them(opened: Opened) -> None:
    async with opened(stages=("community",)) as village:
        amina, chebet = village.amina, village.chebet
        await evening(village)
        await village.choose(amina, chebet)
        await village.choose(chebet, amina)
        await village.end_period({amina.id: 1_000, chebet.id: -1_000, village.david.id: -1_000})
        assert [market for market, *_ in await trades(village)] == ["period"]


async def test_partners_are_other_households_of_the_community_and_at_most_twenty(village: Village) -> None:
    amina = village.amina
    with pytest.raises(OrderRefused, match="h-001 is this household itself"):
        await village.choose(amina, village.brian, amina)
    with pytest.raises(OrderRefused, match="no household h-077; name them like h-001"):
        await village.send(amina, ChoosePartners(**village.head(), partners=("h-002", "h-077")))
    many = tuple(f"h-{n:03}" for n in range(21))
    with pytest.raises(ValueError, match="partners: give a list of at most 20"):
        await village.send(amina, ChoosePartners(**village.head(), partners=many))
    assert await village.rows(tables.partner_choice) == []


async def test_what_nobody_bought_is_the_utilitys_and_is_no_token(opened: Opened) -> None:
    async with opened(stages=("partners", "community", "grid")) as village:
        amina, brian, chebet = village.amina, village.brian, village.chebet
        await village.standing(amina, sell=1_000)
        await village.standing(chebet, buy=1_000)
        await village.fund(chebet, MONEY)
        given = {amina.id: 3_000, brian.id: 500, chebet.id: -800, village.david.id: -333}
        period = await village.end_period(given)
        assert [await village.wh(home) for home in village.homes] == [0, 0, 0, 0]
        assert (await village.balance("minted"), await village.balance("burned")) == (-800, 800)
        assert await village.cents(amina) == 800
        assert await village.cents(chebet) == MONEY - 800 * (1_000 + FEES) // 1_000
        # 2.200 and 0.500 x 300; 0.333 x 2,500 = 832.5, half a cent to the even one.
        positions = [await village.position(period, home) for home in village.homes]
        assert [(position["grid_wh"], position["grid_cents"]) for position in positions] == [
            (2_200, 660),
            (500, 150),
            (0, 0),
            (-333, -832),
        ]
        found = await village.read(
            lambda c: statement(c, VILLAGE, amina.id, "", OPENED - PERIOD, village.now + PERIOD)
        )
        assert found.lines[-1].text == (
            "Period of 2026-11-20 12:00: sold 0.800 kWh at KES 10.00 per kWh for KES 8.00, "
            "the utility bought 2.200 kWh and credits KES 6.60 itself"
        )
        assert found.grid == {"sold_wh": 2_200, "credited_cents": 660, "bought_wh": 0, "billed_cents": 0}
        assert (found.totals["other_wh"], found.totals["minted_wh"]) == (0, 800)


async def test_what_nobody_gave_came_from_the_utility_where_tokens_are_kept_too(opened: Opened) -> None:
    async with opened(stages=("community",)) as village:
        amina, chebet = village.amina, village.chebet
        await village.standing(amina, sell=1_000)
        await village.standing(chebet, buy=1_000)
        await village.fund(chebet, MONEY)
        period = await village.end_period({amina.id: 500, chebet.id: -700, village.brian.id: 300})
        positions = [await village.position(period, home) for home in (amina, chebet, village.brian)]
        # 0.200 x 2,500; what nobody bought of Brian's became tokens.
        assert [(p["grid_wh"], p["grid_cents"]) for p in positions] == [(0, 0), (-200, -500), (0, 0)]
        assert await village.wh(village.brian) == 300
        assert await village.cents(chebet) == MONEY - 500 * (1_000 + FEES) // 1_000  # the utility bills its own


async def test_spare_energy_of_a_contract_is_the_utilitys_too(opened: Opened) -> None:
    async with opened(stages=("community", "grid")) as village:
        amina, chebet, period = village.amina, village.chebet, village.period_after(2)
        await village.fund(amina, MONEY)
        await village.fund(chebet, MONEY)
        await village.sell_ahead(amina, period, 1_000, at_least=1_000)
        await village.buy_ahead(chebet, period, 1_000, at_most=1_000)
        await village.end_period()
        await village.end_period()
        await village.end_period({amina.id: 1_200, chebet.id: -400})
        # 0.600 were left of the contract and 0.200 beyond it; the buyer bears 0.600 x (1,000 - 300).
        position = await village.position(period.id, amina)
        assert (position["grid_wh"], position["grid_cents"]) == (800, 240)
        assert (await village.wh(amina), await village.balance("minted")) == (0, -400)
        assert await village.cents(amina) == MONEY + 400 + 420
        assert await village.cents(chebet) == MONEY - 480 - 420

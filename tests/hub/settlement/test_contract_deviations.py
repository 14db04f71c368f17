"""What each household pays when the meters show something else than its contract: every case with its cents.

One contract in all of them: Amina sells Chebet 1,000 Wh of the period of 10:00. Amina asks 1,000 and Chebet gives
2,000 cents per kWh, so the price is the middle, 1,500. Fees are 50 + 150, so Chebet pays 1,700 per kWh delivered.
The retail tariff is 2,500 and the feed-in tariff 300: a kWh that Amina owes costs her 2,500 - 1,700 = 800, a kWh
that Chebet does not take costs him 1,500 - 300 = 1,200.
"""

from dataclasses import dataclass

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger.tables import entry, hold
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.ahead_tables import ahead_line, contract
from energy_swap_hub.settlement.statements import Statement, statement

from tests.hub.village import OPENED, PERIOD, VILLAGE, Village

MONEY = 10_000
WH = 1_000


@dataclass(frozen=True, slots=True)
class Settled:
    """What the two have gained (cents), what their meters leave in tokens, and what the contract came to."""

    amina_cents: int
    chebet_cents: int
    amina_wh: int
    delivered_wh: int
    backfill_wh: int
    spare_wh: int


@pytest.fixture
async def village(village: Village) -> Village:
    """The village whose gate has just made the contract; nobody takes part in the period market."""
    amina, chebet, period = village.amina, village.chebet, village.period_after(2)
    assert period.id == "2026-11-20T10:00Z"
    await village.fund(amina, MONEY)
    await village.fund(chebet, MONEY)
    await village.sell_ahead(amina, period, WH, at_least=1_000)
    await village.buy_ahead(chebet, period, WH, at_most=2_000)
    await village.end_period()
    [made] = await village.rows(contract)
    assert (made["seller"], made["buyer"], made["wh"], made["cents_per_kwh"]) == (amina.id, chebet.id, WH, 1_500)
    await village.end_period()
    return village


async def deliver(village: Village, amina_wh: int, chebet_wh: int, *silent: str) -> Settled:
    """End the period of the contract with what the two meters counted, and tell what became of it."""
    amina, chebet = village.amina, village.chebet
    await village.end_period({amina.id: amina_wh, chebet.id: chebet_wh}, silent=silent)
    [made] = await village.rows(contract)
    assert [row for row in await village.rows(hold) if row["is_open"]] == []
    assert (await village.balance("rounding"), await village.balance("fees"), await village.balance("grid")) == (
        0,
        made["delivered_wh"] * 50 // 1_000,
        made["delivered_wh"] * 150 // 1_000,
    )
    return Settled(
        await village.cents(amina) - MONEY,
        await village.cents(chebet) - MONEY,
        await village.wh(amina),
        made["delivered_wh"],
        made["backfill_wh"],
        made["spare_wh"],
    )


async def told(village: Village, home_id: str) -> tuple[str, Statement]:
    """Return the line on the contract in a household's statement, which must add up."""
    found = await village.read(
        lambda c: statement(c, VILLAGE, home_id, "", OPENED - PERIOD, village.now + 4 * PERIOD)
    )
    assert (found.totals["other_cents"], found.totals["other_wh"]) == (0, 0)
    return next(line.text for line in found.lines if line.kind == "ahead"), found


async def test_what_is_delivered_exactly_is_paid_at_the_contracts_price(village: Village) -> None:
    # Chebet 1.000 x 1,700 = 1,700; Amina 1.000 x 1,500 = 1,500.
    assert await deliver(village, 1_000, -1_000) == Settled(1_500, -1_700, 0, 1_000, 0, 0)
    assert (await village.balance("minted"), await village.balance("burned")) == (-1_000, 1_000)


async def test_a_seller_who_delivers_too_little_bears_what_the_grid_costs_more(village: Village) -> None:
    # Chebet pays 0.700 x 1,700 = 1,190 and gets 0.300 x 800 = 240; Amina earns 0.700 x 1,500 = 1,050 less 240.
    assert await deliver(village, 700, -1_000) == Settled(1_050 - 240, -1_190 + 240, 0, 700, 300, 0)
    text, _ = await told(village, village.chebet.id)
    assert text == (
        "Contracts for 2026-11-20 13:00: 1.000 kWh bought ahead, 0.700 kWh delivered at KES 15.00 per kWh, "
        "KES 11.90 with fees, KES 5.10 refunded; 0.300 kWh were missing, KES 7.50 at the retail tariff; "
        "KES 2.40 from the seller, who delivered too little"
    )
    text, found = await told(village, village.amina.id)
    assert text == (
        "Contracts for 2026-11-20 13:00: 1.000 kWh sold ahead, 0.700 kWh delivered at KES 15.00 per kWh for "
        "KES 10.50; KES 2.40 to the buyer, because this household delivered too little"
    )
    assert (found.totals["earned_cents"], found.totals["spent_cents"]) == (1_050, 240)
    assert (found.totals["minted_wh"], found.totals["sold_wh"]) == (700, 700)


async def test_a_buyer_who_takes_more_buys_the_rest_in_the_period_market(village: Village) -> None:
    brian, chebet = village.brian, village.chebet
    await village.standing(brian, sell=1_000)
    await village.standing(chebet, buy=2_000)
    period = await village.end_period({village.amina.id: 1_000, brian.id: 300, chebet.id: -1_300})
    # Contract 1,700; 0.300 kWh at the middle of 1,000 and 2,000 with fees: 0.300 x 1,700 = 510.
    assert await village.cents(chebet) - MONEY == -1_700 - 510
    # 0.300 x 1,500 = 450.
    assert (await village.cents(village.amina) - MONEY, await village.cents(brian)) == (1_500, 450)
    trades = [(t["market"], t["wh"], t["cents_per_kwh"]) for t in await village.rows(tables.trade)]
    assert trades == [("ahead", 1_000, 1_500), ("period", 300, 1_500)]
    position = await village.position(period, chebet)
    assert (position["order_wh"], position["bought_wh"], position["paid_cents"]) == (300, 300, 510)


async def test_a_seller_delivers_too_little_while_the_buyer_takes_more(village: Village) -> None:
    amina, brian, chebet = village.amina, village.brian, village.chebet
    await village.standing(brian, sell=1_000)
    await village.standing(chebet, buy=2_000)
    period = await village.end_period({amina.id: 700, brian.id: 500, chebet.id: -1_300})
    # Of the contract Chebet pays 0.700 x 1,700 = 1,190 and gets 0.300 x 800 = 240 for what Amina lacked, which is
    # the grid's. What he took beyond it he buys of Brian, who has more than that, at Brian's 1,000 with fees:
    # 0.300 x 1,200 = 360.
    assert await village.cents(chebet) - MONEY == -1_190 + 240 - 360
    assert (await village.cents(amina) - MONEY, await village.cents(brian)) == (1_050 - 240, 300)
    position = await village.position(period, chebet)
    assert (position["order_wh"], position["bought_wh"], position["paid_cents"]) == (300, 300, 360)
    text, found = await told(village, chebet.id)
    assert "0.300 kWh were missing, KES 7.50 at the retail tariff; KES 2.40 from the seller" in text
    assert (found.totals["spent_cents"], found.totals["earned_cents"]) == (1_190 + 360, 240)
    assert await village.wh(brian) == 200


async def test_a_buyer_who_takes_more_without_an_order_pays_only_the_contract(village: Village) -> None:
    assert await deliver(village, 1_000, -1_300) == Settled(1_500, -1_700, 0, 1_000, 0, 0)


async def test_a_buyer_who_takes_too_little_bears_what_the_grid_brings_less(village: Village) -> None:
    # Chebet pays 0.400 x 1,700 = 680 and 0.600 x 1,200 = 720; Amina earns 0.400 x 1,500 = 600 and gets 720.
    assert await deliver(village, 1_000, -400) == Settled(600 + 720, -680 - 720, 600, 400, 0, 600)
    text, found = await told(village, village.chebet.id)
    assert text == (
        "Contracts for 2026-11-20 13:00: 1.000 kWh bought ahead, 0.400 kWh delivered at KES 15.00 per kWh, "
        "KES 6.80 with fees, KES 10.20 refunded; KES 7.20 to the seller, because this household took too little"
    )
    assert (found.totals["spent_cents"], found.totals["bought_wh"], found.totals["used_wh"]) == (1_400, 400, 400)
    text, _ = await told(village, village.amina.id)
    assert text.endswith(
        "0.600 kWh were left over, KES 1.80 at the feed-in tariff; KES 7.20 from the buyer, who took too little"
    )


async def test_when_both_fall_short_only_the_worse_one_bears_a_difference(village: Village) -> None:
    # 0.700 offered, 0.600 taken: Chebet pays 0.600 x 1,700 = 1,020 and 0.100 x 1,200 = 120; Amina earns 900 and
    # the 120.
    assert await deliver(village, 700, -600) == Settled(900 + 120, -1_020 - 120, 100, 600, 0, 100)


async def test_when_both_fall_short_and_the_seller_more_she_bears_the_gap(village: Village) -> None:
    # 0.600 offered, 0.800 taken: Chebet pays 1,020 and gets 0.200 x 800 = 160; Amina earns 900 less 160.
    assert await deliver(village, 600, -800) == Settled(900 - 160, -1_020 + 160, 0, 600, 200, 0)


async def test_what_neither_had_nor_needed_is_refunded_and_nothing_else(village: Village) -> None:
    # 0.600 x 1,700 = 1,020; 0.600 x 1,500 = 900.
    assert await deliver(village, 600, -600) == Settled(900, -1_020, 0, 600, 0, 0)


async def test_a_silent_seller_has_delivered_nothing(village: Village) -> None:
    # 1.000 x 800 = 800, from Amina to Chebet.
    assert await deliver(village, 1_000, -1_000, village.amina.id) == Settled(-800, 800, 0, 0, 1_000, 0)


async def test_a_silent_buyer_has_taken_nothing(village: Village) -> None:
    # 1.000 x 1,200 = 1,200, from Chebet to Amina; her 1,200 Wh are hers, 200 of them in no contract.
    assert await deliver(village, 1_200, -1_000, village.chebet.id) == Settled(1_200, -1_200, 1_200, 0, 0, 1_000)


async def test_two_silent_meters_harm_nobody(village: Village) -> None:
    silent = (village.amina.id, village.chebet.id)
    assert await deliver(village, 1_000, -1_000, *silent) == Settled(0, 0, 0, 0, 0, 0)


async def test_a_late_reading_does_not_reopen_the_contract(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    settled = await deliver(village, 1_000, -1_000, amina.id)
    before = [row for table in (contract, ahead_line) for row in await village.rows(table)]
    await village.deliver(amina, amina.measure(village.now))
    await village.end_period()
    assert [row for table in (contract, ahead_line) for row in await village.rows(table)] == before
    assert [row["external_id"] for row in await village.rows(entry) if row["source"] == "ahead"] == [
        "2026-11-20T10:00Z"
    ]
    # The energy itself is not lost: it is hers, as any that nobody bought.
    assert (await village.cents(amina) - MONEY, await village.wh(amina)) == (settled.amina_cents, 1_000)
    assert await village.cents(chebet) - MONEY == settled.chebet_cents


async def test_a_buyer_takes_no_more_than_may_be_burned_for_it(village: Village) -> None:
    await village.allow(village.chebet, 400)
    await village.chain_works()
    # 0.400 x 1,700 = 680 and 0.600 x 1,200 = 720, as if only 400 Wh had been taken.
    assert await deliver(village, 1_000, -1_000) == Settled(600 + 720, -680 - 720, 600, 400, 0, 600)
    assert await village.allowance(village.chebet) == 0


async def test_a_refund_can_be_spent_in_the_same_period(village: Village) -> None:
    amina, brian, chebet = village.amina, village.brian, village.chebet
    await village.pay_out(chebet)
    assert (await village.wallet(chebet))["kes_held_cents"] == 1_700
    free = await village.cents(chebet)
    await village.standing(brian, sell=1_000)
    await village.standing(chebet, buy=1_000)
    # Amina has nothing: 1.000 x 800 = 800 come from her, and all 1,700 are free again. The 1,000 Wh that were
    # missing are the grid's; what Chebet took beyond is bought: 0.500 x 1,200 = 600.
    await village.end_period({amina.id: 0, brian.id: 500, chebet.id: -1_500})
    assert await village.cents(chebet) == free + 1_700 + 800 - 600
    assert await village.read(lambda c: ledger.balance(c, VILLAGE, ledger.kes_held(chebet.id))) == 0

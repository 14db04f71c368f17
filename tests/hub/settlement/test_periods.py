from datetime import timedelta
from pathlib import Path

import pytest
from energy_swap_hub.chain.keys import CoSignRefusedError, CoSignRequest, LocalCoSigner
from energy_swap_hub.settlement import tables
from energy_swap_protocol.period import period_at
from solders.signature import Signature
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.hub.village import (
    ALLOWED_WH,
    FEES,
    GRACE,
    OPENED,
    PERIOD,
    VILLAGE,
    Village,
    copy_of,
    open_village,
)


async def test_a_period_clears_and_money_tokens_and_allowance_move(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=2_000)
    await village.fund(chebet, 100_000)
    period = await village.end_period({amina.id: 3_000, chebet.id: -2_000})

    # 2 kWh at the seller's price, since she could not sell all; the buyer pays the fees on top.
    assert await village.cents(amina) == 2 * 1_000
    assert await village.cents(chebet) == 100_000 - 2 * (1_000 + FEES)
    assert (await village.balance("fees"), await village.balance("grid")) == (2 * 50, 2 * 150)
    assert (await village.wh(amina), await village.wh(chebet)) == (1_000, 0)
    assert (await village.on_chain(amina), await village.on_chain(chebet)) == (1_000, 0)
    assert (await village.balance("minted"), await village.balance("burned")) == (-3_000, 2_000)
    assert (await village.allowance(chebet), await village.allowance(amina)) == (ALLOWED_WH - 2_000, ALLOWED_WH)
    assert await village.period_state(period) == "settled"
    [trade] = await village.rows(tables.trade)
    assert (trade["seller"], trade["buyer"], trade["wh"], trade["cents_per_kwh"], trade["cents"]) == (
        amina.id,
        chebet.id,
        2_000,
        1_000,
        2_000,
    )
    position = await village.position(period, chebet)
    assert (position["bought_wh"], position["paid_cents"], position["own_wh"]) == (2_000, 2_400, 0)


async def test_a_shortage_is_priced_in_the_middle_and_shared(village: Village) -> None:
    amina, chebet, david = village.amina, village.chebet, village.david
    await village.standing(amina, sell=1_000)
    for buyer in (chebet, david):
        await village.standing(buyer, buy=2_000)
        await village.fund(buyer, 100_000)
    await village.end_period({amina.id: 1_000, chebet.id: -2_000, david.id: -800})
    assert [await village.cents(home) for home in (amina, chebet, david)] == [
        2_000,
        100_000 - (2_000 + FEES) // 2,
        100_000 - (2_000 + FEES) // 2,
    ]


async def test_a_period_is_booked_once_all_readings_are_in_and_not_before(village: Village) -> None:
    period = period_at(OPENED, PERIOD).id
    village.now = OPENED + PERIOD
    for home in village.homes[:3]:
        await village.report(home)
    await village.advance()
    assert await village.period_state(period) is None
    await village.report(village.david)
    await village.advance()
    assert await village.period_state(period) == "settled"


async def test_the_grace_time_ends_the_wait_for_a_reading(village: Village) -> None:
    village.now = OPENED + PERIOD + GRACE - timedelta(seconds=1)
    await village.advance()
    assert await village.rows(tables.period) == []
    village.now += timedelta(seconds=1)
    assert await village.settlement.advance()


async def test_energy_of_a_missing_reading_arrives_in_the_next_period(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_500)
    await village.fund(chebet, 100_000)
    first = await village.end_period({amina.id: 2_000, chebet.id: -500}, silent=(amina.id,))
    assert (await village.position(first, amina))["export_wh"] == 0
    assert (await village.position(first, chebet))["bought_wh"] == 0
    assert await village.cents(chebet) == 100_000

    second = await village.end_period({amina.id: 1_000, chebet.id: -700})
    assert (await village.position(second, amina))["export_wh"] == 3_000
    assert await village.balance("minted") == -3_000
    assert (await village.wh(amina), await village.cents(amina)) == (2_300, 700)


async def test_a_late_reading_is_not_counted_twice(village: Village) -> None:
    amina = village.amina
    village.now = OPENED + PERIOD
    late = amina.measure(village.now, export_wh=1_500)
    for home in village.homes[1:]:
        await village.report(home)
    village.now += GRACE
    await village.advance()
    await village.deliver(amina, late)
    await village.end_period({amina.id: 400})
    await village.end_period()
    assert await village.wh(amina) == 1_900


async def test_a_buyer_without_money_buys_only_what_it_can_pay(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_800)
    await village.fund(chebet, 1_000)  # at its limit with fees this is half a kWh
    period = await village.end_period({amina.id: 3_000, chebet.id: -2_000})
    position = await village.position(period, chebet)
    assert (position["order_wh"], position["bought_wh"], position["paid_cents"]) == (500, 500, 600)
    assert await village.cents(chebet) == 400


async def test_a_buyer_without_allowance_buys_only_what_may_be_burned(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_800)
    await village.fund(chebet, 100_000)
    await village.allow(chebet, 700)
    await village.chain_works()
    await village.end_period({amina.id: 3_000, chebet.id: -2_000})
    assert (await village.cents(chebet), await village.allowance(chebet)) == (100_000 - 840, 0)
    await village.end_period({amina.id: 3_000, chebet.id: -2_000})
    assert await village.cents(chebet) == 100_000 - 840


async def test_own_tokens_are_used_first_and_never_twice(village: Village) -> None:
    amina, brian = village.amina, village.brian
    await village.end_period({amina.id: 1_200})  # nobody buys: the tokens stay hers
    assert (await village.wh(amina), await village.on_chain(amina)) == (1_200, 1_200)
    await village.standing(amina, buy=1_500)
    await village.standing(brian, sell=1_000)
    await village.fund(amina, 100_000)
    second = await village.end_period({amina.id: -1_000, brian.id: 500})
    assert (await village.position(second, amina))["own_wh"] == 1_000
    assert (await village.wh(amina), await village.cents(amina)) == (200, 100_000)
    third = await village.end_period({amina.id: -1_000, brian.id: 500})
    position = await village.position(third, amina)
    assert (position["own_wh"], position["bought_wh"]) == (200, 500)
    assert await village.wh(amina) == 0
    assert await village.balance("burned") == 1_700


async def test_tokens_that_are_for_sale_do_not_cover_consumption(village: Village) -> None:
    amina = village.amina
    await village.end_period({amina.id: 1_000})
    await village.sell(amina, 800, at_least=1_000)
    period = await village.end_period({amina.id: -1_000})
    assert (await village.position(period, amina))["own_wh"] == 200
    wallet = await village.wallet(amina)
    assert (wallet["ekwh_wh"], wallet["ekwh_held_wh"]) == (0, 800)


async def test_export_and_import_within_a_period_are_netted(village: Village) -> None:
    amina = village.amina
    village.now = OPENED + timedelta(minutes=10)
    await village.report(amina, export_wh=900)
    village.now = OPENED + timedelta(minutes=20)
    await village.report(amina, import_wh=650)
    await village.end_period()
    assert (await village.wh(amina), await village.balance("minted")) == (250, -250)


async def test_without_standing_orders_nothing_is_traded_but_all_export_is_minted(village: Village) -> None:
    period = await village.end_period({village.amina.id: 2_500, village.chebet.id: -2_000})
    assert await village.wh(village.amina) == 2_500
    [row] = await village.rows(tables.period)
    assert (row["cents_per_kwh"], row["traded_wh"], row["state"]) == (None, 0, "settled")
    assert await village.rows(tables.trade) == []
    assert (await village.position(period, village.chebet))["side"] is None


async def test_a_standing_order_from_within_the_period_counts_for_it_a_later_one_for_the_next(
    village: Village,
) -> None:
    amina, chebet = village.amina, village.chebet
    await village.fund(chebet, 100_000)
    await village.standing(amina, sell=1_000)
    village.now = OPENED + PERIOD - timedelta(seconds=1)
    await village.standing(chebet, buy=1_000)
    # After the period, while it waits for a reading, she asks for more: too late for this one.
    village.now = OPENED + PERIOD + timedelta(seconds=30)
    await village.standing(amina, sell=3_000)
    village.now = OPENED + PERIOD
    first = await village.end_period({amina.id: 1_000, chebet.id: -1_000})
    village.now += timedelta(minutes=1)
    assert (await village.position(first, chebet))["bought_wh"] == 1_000
    second = await village.end_period({amina.id: 1_000, chebet.id: -1_000})
    assert (await village.position(second, amina))["limit"] == 3_000
    assert (await village.position(second, chebet))["bought_wh"] == 0


async def test_taking_a_limit_back_keeps_out_of_the_market(village: Village) -> None:
    amina, chebet = village.amina, village.chebet
    await village.standing(amina, sell=1_000)
    await village.standing(chebet, buy=1_000)
    await village.fund(chebet, 100_000)
    await village.standing(chebet)
    await village.end_period({amina.id: 1_000, chebet.id: -1_000})
    assert (await village.cents(chebet), await village.wh(amina)) == (100_000, 1_000)


async def test_after_a_pause_the_missed_periods_are_booked_one_by_one(village: Village) -> None:
    await village.standing(village.amina, sell=1_000)
    village.now = OPENED + 5 * PERIOD
    for home in village.homes:
        frames = [
            home.measure(OPENED + number * PERIOD, export_wh=200 if home is village.amina else 0)
            for number in range(1, 6)
        ]
        await village.deliver(home, *frames)
    await village.advance()
    await village.chain_works()
    periods = await village.rows(tables.period)
    assert [(row["start"] - OPENED) // PERIOD for row in periods] == [0, 1, 2, 3, 4]
    assert {row["state"] for row in periods} == {"settled"}
    assert await village.wh(village.amina) == 1_000


async def test_a_smaller_allowance_under_way_does_not_break_the_periods_burn(village: Village) -> None:
    """Burns that follow it on the chain must already fit into it, or the burn of all households would fail."""
    chebet, david = village.chebet, village.david
    await village.standing(village.amina, sell=1_000)
    for buyer in (chebet, david):
        await village.standing(buyer, buy=1_000)
        await village.fund(buyer, 100_000)
    await village.allow(chebet, 300)
    period = await village.end_period({village.amina.id: 3_000, chebet.id: -1_000, david.id: -1_000})
    assert await village.period_state(period) == "settled"
    assert (await village.position(period, chebet))["bought_wh"] == 300
    assert (await village.position(period, david))["bought_wh"] == 1_000
    assert (await village.allowance(chebet), await village.allowance(david)) == (0, ALLOWED_WH - 1_000)


async def test_a_larger_allowance_counts_less_what_was_burned_after_it(village: Village) -> None:
    chebet = village.chebet
    await village.standing(village.amina, sell=1_000)
    await village.standing(chebet, buy=1_000)
    await village.fund(chebet, 100_000)
    await village.allow(chebet, 60_000)
    assert await village.allowance(chebet) == ALLOWED_WH, "not before the chain has it"
    await village.end_period({village.amina.id: 3_000, chebet.id: -1_000})
    assert await village.allowance(chebet) == 59_000


async def test_an_allowance_that_expires_changes_nothing(village: Village) -> None:
    await village.allow(village.chebet, 300)
    await village.localnet.tick(200)
    await village.chain.send_waiting()
    assert await village.allowance(village.chebet) == ALLOWED_WH
    [failed] = [intent for intent in await village.intents() if intent.id.startswith("allow:") and intent.error]
    assert "sign it again" in str(failed.error)


async def test_a_mint_that_fails_puts_the_period_before_a_person(
    founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: LocalCoSigner, _request: CoSignRequest) -> Signature:
        raise CoSignRefusedError("the readings do not prove this mint")

    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        with monkeypatch.context() as patch:
            patch.setattr(LocalCoSigner, "co_sign", refuse)
            period = await village.end_period({village.amina.id: 1_000})
        assert await village.period_state(period) == "review"
        [review] = await village.rows(tables.review)
        assert (review["kind"], review["subject"], review["state"]) == ("chain failed", f"mint:{period}", "open")
        assert "the readings do not prove this mint" in review["evidence"]["error"]
        # The next periods go on, and nothing tries the refused mint again by itself.
        other = await village.end_period({village.amina.id: 500})
        assert (await village.period_state(period), await village.period_state(other)) == ("review", "settled")
        assert (await village.chain.supply_wh(VILLAGE), await village.wh(village.amina)) == (500, 1_500)


@pytest.mark.parametrize("change", ["UPDATE ledger_entry SET text = 'a gift'", "DELETE FROM ledger_posting"])
async def test_the_ledger_of_every_village_refuses_changes_so_the_hub_makes_none(
    village: Village, change: str
) -> None:
    await village.fund(village.chebet, 10_000)
    before = await village.trial_balance()
    with pytest.raises(DBAPIError, match="the ledger is append-only"):
        await village.database.write(lambda c: c.execute(text(change)))
    assert await village.trial_balance() == before

"""What a household reads to keep its own history adds up to its totals, whatever it traded and however late."""

from datetime import timedelta

from energy_swap_hub import ledger
from energy_swap_hub.settlement.totals import totals
from energy_swap_hub.web.own_periods_view import market_without_names, own_periods, own_trades, price_rows
from energy_swap_protocol.units import cost_cents

from tests.hub.village import GRACE, VILLAGE, Home, Village

from .test_totals import trade_everywhere


async def summed(village: Village, home: Home) -> dict[str, int]:
    since, until = village.now - timedelta(days=1), village.now + timedelta(days=1)
    rows = await village.read(lambda c: own_periods(c, village.community, home.id, since, until))
    trades = await village.read(lambda c: own_trades(c, village.community, home.id, since, until))

    def total(name: str) -> int:
        return sum(row[name] for row in rows)

    return {
        "exported_wh": total("export_wh"),
        "imported_wh": total("import_wh"),
        "generated_wh": total("generation_wh"),
        "sold_wh": total("sold_wh") - sum(t["wh"] for t in trades if t["wh"] < 0),
        "bought_wh": total("bought_wh") + sum(t["wh"] for t in trades if t["wh"] > 0),
        "earned_cents": total("earned_cents") + sum(t["cents"] for t in trades if t["cents"] > 0),
        "spent_cents": total("paid_cents") - sum(t["cents"] for t in trades if t["cents"] < 0),
    }


async def tokens(village: Village, home: Home) -> int:
    """Return the Wh of tokens that a household must have after what its history tells."""
    since, until = village.now - timedelta(days=1), village.now + timedelta(days=1)
    rows = await village.read(lambda c: own_periods(c, village.community, home.id, since, until))
    trades = await village.read(lambda c: own_trades(c, village.community, home.id, since, until))
    kept_wh: int = sum(row["minted_wh"] - row["sold_wh"] - row["own_wh"] for row in rows)
    traded_wh: int = sum(trade["wh"] for trade in trades)
    return kept_wh + traded_wh


async def wallet(village: Village, home: Home) -> int:
    found = await village.read(lambda c: ledger.balances(c, VILLAGE))
    return sum(found.get(account(home.id), 0) for account in (ledger.ekwh, ledger.ekwh_held))


async def test_own_periods_and_trades_add_up_to_the_totals(village: Village) -> None:
    amina, chebet, david = village.amina, village.chebet, village.david
    await trade_everywhere(village)
    await village.fund(david, 20_000)
    ahead = village.period_after(2)
    await village.sell_ahead(amina, ahead, 600, 900)
    await village.buy_ahead(david, ahead, 600, 1_200)
    for _ in range(3):
        await village.end_period({amina.id: 500, david.id: -700})
    for home in (amina, chebet, david):
        assert await summed(village, home) == await village.read(lambda c, h=home: totals(c, VILLAGE, h.id))  # type: ignore[misc]
        assert await tokens(village, home) == await wallet(village, home)


async def test_late_energy_stands_in_its_own_period_with_a_revision(village: Village) -> None:
    amina = village.amina
    late = []
    for wh in (700, 900):
        period = village.period_after(0)
        village.now = period.end
        late.append(amina.measure(period.end, wh))
        village.now = period.end + GRACE
        for home in village.homes[1:]:
            await village.deliver(home, home.measure(period.end))
        await village.advance()
    await village.deliver(amina, *late)
    await village.end_period({amina.id: 100})
    assert await tokens(village, amina) == await wallet(village, amina) > 0
    since, until = village.now - timedelta(days=1), village.now + timedelta(days=1)
    rows = await village.read(lambda c: own_periods(c, village.community, amina.id, since, until))
    assert [(row["export_wh"], row["revision"]) for row in rows] == [(700, 1), (900, 1), (100, 0)]
    assert await summed(village, amina) == await village.read(lambda c: totals(c, VILLAGE, amina.id))


async def test_late_use_is_of_tokens_first_and_then_the_utilitys_at_its_tariff(village: Village) -> None:
    amina = village.amina
    await village.end_period({amina.id: 300})  # nobody buys: 300 Wh of tokens
    late = village.period_after(0)
    village.now = late.end
    reading = amina.measure(late.end, import_wh=500)
    village.now = late.end + GRACE
    for home in village.homes[1:]:
        await village.deliver(home, home.measure(late.end))
    await village.advance()
    await village.deliver(amina, reading)
    await village.end_period({})
    since, until = village.now - timedelta(days=1), village.now + timedelta(days=1)
    rows = await village.read(lambda c: own_periods(c, village.community, amina.id, since, until))
    (row,) = [row for row in rows if row["start"] == int(late.start.timestamp())]
    retail = village.community.tariffs[0].retail_cents_per_kwh
    assert (row["import_wh"], row["own_wh"], row["grid_wh"]) == (500, 300, -200)
    assert row["grid_cents"] == -cost_cents(200, retail) < 0
    assert await tokens(village, amina) == await wallet(village, amina) == 0


async def test_the_market_names_nobody(village: Village) -> None:
    amina, brian, chebet = village.amina, village.brian, village.chebet
    await trade_everywhere(village)
    await village.end_period({brian.id: 2_000, amina.id: 2_000})
    for home, wh, price in ((amina, 300, 1_500), (brian, 200, 1_500), (brian, 100, 1_400)):
        await village.sell(home, wh, price)
    await village.chain_works()
    await village.buy(chebet, 250, 900)
    found = await village.read(lambda c: market_without_names(c, village.community, village.now))
    assert found["book"] == {
        "buys": [{"cents_per_kwh": 900, "wh": 250}],
        "sells": [{"cents_per_kwh": 1_400, "wh": 100}, {"cents_per_kwh": 1_500, "wh": 500}],
    }
    assert {trade["market"] for trade in found["trades"]} == {"period", "spot", "auction"}
    assert not any(home.id in str(found) for home in village.homes)
    day = timedelta(days=1)
    prices = await village.read(lambda c: price_rows(c, village.community, village.now - day, village.now))
    assert (prices[0]["cents_per_kwh"], prices[0]["traded_wh"]) == (1_000, 800)

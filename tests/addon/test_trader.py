"""Strategies keep to the household's limits; the past is lived without looking ahead; no order is made twice."""

import asyncio
import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from energy_swap_edge.adviser.prices import PriceBand, Tariffs
from energy_swap_edge.edge import Edge
from energy_swap_edge.history.periods import History
from energy_swap_edge.store import Store
from energy_swap_edge.trader import trader as trader_module
from energy_swap_edge.trader.simulation import PastPeriod, Terms, simulate
from energy_swap_edge.trader.strategies import STRATEGIES, Moment, standing_limits
from energy_swap_protocol.message import SellOrder, StandingOrder
from hypothesis import given, settings
from hypothesis import strategies as st

from .broker import Broker
from .conftest import MakeEdge, introduced
from .meter import Meter
from .small_hub import SmallHub, until
from .test_local_api import connected
from .test_records import asked

TARIFFS = Tariffs(retail=2_500, feed_in=800, fees=200)
NAIROBI = ZoneInfo("Africa/Nairobi")
HALF_HOUR = 1800
DAY = 86_400
START = 1_795_122_000
TERMS = Terms(TARIFFS, 1_000, 2_000, 0, 0, NAIROBI)

limit = st.one_of(st.none(), st.integers(1, 5_000))
wh = st.integers(0, 50_000)


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    low = draw(st.integers(1, 3_000))
    return Moment(
        sell_at_least=draw(limit), buy_at_most=draw(limit), price=PriceBand(0, low, low + 50, low + 90, 5),
        best_later=draw(st.integers(1, 5_000)), week_average=draw(limit), tariffs=TARIFFS, tokens_wh=draw(wh),
        reserve_wh=draw(wh), own_use_wh=draw(wh), battery_wh=draw(wh), lacking_wh=draw(wh),
        lacking_price=draw(st.integers(0, 2_500)),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(moments(), st.sampled_from(sorted(STRATEGIES)))
def test_no_strategy_goes_beyond_the_households_limits(moment: Moment, name: str) -> None:
    decision = STRATEGIES[name](moment)
    assert decision.reason.endswith(".")
    assert (decision.sell_at_least is None) == (moment.sell_at_least is None)
    assert (decision.sell_at_least or 0) >= (moment.sell_at_least or 0)
    assert decision.buy_at_most is None or decision.buy_at_most <= (moment.buy_at_most or 0)
    if decision.offer is not None:
        assert moment.sell_at_least is not None
        assert decision.offer.at_least >= max(moment.sell_at_least, TARIFFS.feed_in)
        kept = moment.own_use_wh - (moment.battery_wh if name == "battery_aware" else 0)
        assert decision.offer.wh <= moment.tokens_wh - moment.reserve_wh - max(kept, 0)


def lived(days: int, seed: int = 1) -> list[PastPeriod]:
    """A past: surplus by day, shortage in the evening, prices that are low at noon and high at night."""
    drawn = random.Random(seed)
    made = []
    for number in range(days * 48):
        hour = number % 48 / 2
        net = round(drawn.uniform(200, 900)) if 9 <= hour < 16 else -round(drawn.uniform(50, 500))
        price = None if drawn.random() < 0.1 else (1_050 if net > 0 else 1_600) + drawn.randrange(100)
        supply, demand = (9_000, 6_000) if net > 0 else (2_000, 8_000)
        made.append(
            PastPeriod(START + number * HALF_HOUR, 30, net, price, 0 if price is None else 2_000, supply, demand)
        )
    return made


def test_a_past_can_be_followed_on_paper() -> None:
    past = [
        PastPeriod(START, 30, 1_000, 1_200, 500, 1_000, 800),  # half of all surplus was sold: 500 Wh for 6.00
        PastPeriod(START + HALF_HOUR, 30, -1_500, 1_500, 400, 400, 800),  # 500 own, then 500 at 17.00
    ]
    found = simulate(standing_limits, past, START, TERMS)
    alone = 800 - 3_750  # feed-in for 1 kWh, retail for 1.5 kWh
    assert found.earned_cents == (600 - 850 - 1_250) - alone
    assert (found.gain_cents, found.baseline_cents) == (0, found.earned_cents)
    out = replace(TERMS, sell_at_least=1_201, buy_at_most=1_499)
    assert simulate(standing_limits, past, START, out).earned_cents == -(500 * 2_500 // 1_000) - alone


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_simulation_never_looks_ahead(name: str) -> None:
    past = lived(12)
    poisoned = [
        replace(one, net_wh=99_999, cents_per_kwh=99_999, traded_wh=1) if one.start >= START + 10 * DAY else one
        for one in past
    ]
    seen: list[list[Moment]] = []
    for known in (past, poisoned):
        moments: list[Moment] = []

        def watched(moment: Moment, moments: list[Moment] = moments) -> Any:
            moments.append(moment)
            return STRATEGIES[name](moment)

        simulate(watched, known, START + 8 * DAY, TERMS)
        seen.append(moments[: 2 * 48])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 96


def test_selling_what_is_spare_beats_keeping_it_where_evenings_pay() -> None:
    past = [replace(one, net_wh=one.net_wh * 3 if one.net_wh > 0 else one.net_wh) for one in lived(30)]
    found = simulate(STRATEGIES["sell_above_reserve"], past, START + 7 * DAY, TERMS)
    assert found.days == 23
    assert found.gain_cents > 0
    result = found.result()
    words = f"In the last 23 days this would have earned you KES {found.earned_cents / 100:.0f}"
    assert result["sentence"].startswith(words)
    assert set(result) == {"earned_cents", "baseline_cents", "gain_cents", "days", "sentence"}


def in_other_lengths(past: list[PastPeriod], minutes: int, since: int) -> list[PastPeriod]:
    """The same past, whose half hours are quarters or hours from ``since`` on; energy and prices stay."""
    kept, made = [one for one in past if one.start < since], [one for one in past if one.start >= since]
    if minutes == 15:
        halves = [replace(one, minutes=15, **_shared(one, 2)) for one in made]
        return kept + [replace(one, start=one.start + at) for one in halves for at in (0, 900)]
    pairs = zip(made[::2], made[1::2], strict=True)
    return kept + [
        replace(
            one,
            minutes=60,
            net_wh=one.net_wh + other.net_wh,
            traded_wh=one.traded_wh + other.traded_wh,
            supply_wh=one.supply_wh + other.supply_wh,
            demand_wh=one.demand_wh + other.demand_wh,
        )
        for one, other in pairs
    ]


def _shared(one: PastPeriod, parts: int) -> dict[str, int]:
    amounts = {"net_wh": one.net_wh, "traded_wh": one.traded_wh, "supply_wh": one.supply_wh}
    return {name: wh // parts for name, wh in (amounts | {"demand_wh": one.demand_wh}).items()}


@pytest.mark.parametrize("minutes", [15, 60])
@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_past_with_a_change_of_length_is_lived_like_one_without(name: str, minutes: int) -> None:
    past = [
        replace(one, net_wh=one.net_wh // 2 * 2, cents_per_kwh=(1_100, 1_650)[one.net_wh <= 0], traded_wh=2_000)
        for one in lived(16)
    ]
    changes_at = START + 12 * DAY
    mixed = in_other_lengths(past, minutes, changes_at)
    plain, found = (simulate(STRATEGIES[name], one, START + 9 * DAY, TERMS) for one in (past, mixed))
    assert found.days == plain.days == 7
    assert found.earned_cents == pytest.approx(plain.earned_cents, rel=0.03)


async def with_past(tmp_path: Any, days: int = 9, now: float | None = None) -> None:
    """Put a past into the edge's store before it starts."""
    now = int(time.time() if now is None else now) // HALF_HOUR * HALF_HOUR
    store = await Store.open(tmp_path / "edge")
    past = [replace(one, start=one.start - START + now - days * DAY) for one in lived(days)]
    await store.write(
        lambda db: db.executemany(
            "INSERT INTO price VALUES (?, 30, ?, ?, ?, ?)",
            [(one.start, one.cents_per_kwh, one.traded_wh, one.supply_wh, one.demand_wh) for one in past],
        )
    )
    rows = [
        (one.start + half * 900, max(one.net_wh, 0) // 2, max(-one.net_wh, 0) // 2, max(one.net_wh, 0) // 2)
        for one in past
        for half in (0, 1)
    ]
    await store.write(lambda db: db.executemany("INSERT INTO quarter VALUES (?, ?, ?, ?, 0, 0, 1)", rows))
    await store.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader_module, "_CADENCE_SECONDS", 0.05)
    monkeypatch.setattr("energy_swap_edge.counsel._AT_MOST_EVERY_SECONDS", 0.05)
    monkeypatch.setattr("energy_swap_edge.forecast.renewal._CADENCE_SECONDS", 0.05)


def ready(edge: Edge) -> bool:
    return edge.state["advice"] is not None and edge.state["market"] is not None


@pytest.mark.usefixtures("quick")
async def test_the_switch_wants_the_past_seen_first_and_orders_come_once(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, tmp_path: Any
) -> None:
    await with_past(tmp_path)
    hub.limits, hub.ekwh_wh = (1_000, 2_000), 40_000
    hub.results["sell"] = {"status": "open", "order": "o"}
    where = {"latitude": -1.3, "longitude": 36.8}
    async with make_edge(**where) as edge:
        await introduced(edge, broker, hub, meter)
        await until(lambda: ready(edge))
        async with connected(edge) as client:
            assert (await client.command("set_strategy", strategy="sell_above_reserve"))["ok"]
            refused = await client.command("set_auto_sell", on=True)
            assert refused["error"]["code"] == "not_simulated"
            assert "simulate_strategy" in refused["error"]["message"]
            tried = await client.command("simulate_strategy", strategy="sell_above_reserve", days=7)
            assert tried["ok"], tried
            assert tried["result"]["days"] == 7
            assert (await client.command("set_reserve", wh=1_000))["result"] == {"reserve_wh": 1_000}
            assert (await client.command("set_auto_sell", on=True))["ok"]
            await until(lambda: "sell" in hub.kinds())
            (sale,) = [message for message in hub.messages if isinstance(message, SellOrder)]
            assert sale.wh <= 39_000
            assert sale.at_least >= 1_000
            await until(lambda: edge.state["trader"]["last"] is not None)
            assert edge.state["trader"]["auto_sell"]
            unknown = await client.command("set_strategy", strategy="get_rich")
            assert unknown["error"]["code"] == "unknown_strategy"
    hub.orders = [
        {"id": str(sale.id), "side": "sell", "wh": sale.wh, "remaining_wh": 9, "limit": 1, "status": "open"}
    ]
    async with make_edge(**where) as edge:  # a restart: the period is decided already
        await until(lambda: ready(edge) and edge.state["trader"] is not None)
        assert edge.state["trader"]["auto_sell"]
        status, answer = await asked(edge, "decisions")
        assert status == 200
        offers = [one for one in answer["decisions"] if one["kind"] == "offer"]
        assert [(one["outcome"], one["answer"]) for one in offers] == [("done", "open")]
        assert "beyond your own use" in offers[0]["sentence"]
        async with connected(edge) as client:
            assert (await client.command("set_auto_sell", on=False))["ok"]
        await until(lambda: "cancel" in hub.kinds())
        assert not edge.state["trader"]["auto_sell"]
    assert hub.kinds().count("sell") == 1
    assert hub.limits == (1_000, 2_000)


@pytest.mark.usefixtures("quick")
async def test_an_offer_whose_answer_was_lost_is_not_made_again(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, tmp_path: Any
) -> None:
    await with_past(tmp_path)
    hub.limits, hub.ekwh_wh = (1_000, None), 40_000
    async with make_edge(latitude=-1.3) as edge:
        await introduced(edge, broker, hub, meter)
        await until(lambda: ready(edge))
        async with connected(edge) as client:
            assert (await client.command("simulate_strategy", strategy="battery_aware", days=5))["ok"]
            await client.command("set_strategy", strategy="battery_aware")
            hub.answers_to_lose = 1_000
            await client.command("set_auto_sell", on=True)
            await until(lambda: hub.kinds().count("sell") == 1)
    hub.answers_to_lose = 0
    posts = hub.posts
    async with make_edge(latitude=-1.3) as edge:
        await until(lambda: hub.posts > posts, 20)  # the same envelope again: the hub knows it
        async with asyncio.timeout(60):
            while True:
                _, answer = await asked(edge, "decisions")
                if any(one["kind"] == "offer" and one["outcome"] == "done" for one in answer["decisions"]):
                    break
    assert hub.kinds().count("sell") == 1
    assert len([one for one in answer["decisions"] if one["kind"] == "offer"]) == 1


@pytest.mark.usefixtures("quick")
async def test_a_day_that_cost_its_cap_buys_no_more(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, tmp_path: Any
) -> None:
    await with_past(tmp_path)
    hub.limits = (1_000, 2_000)
    async with make_edge(latitude=-1.3) as edge:
        await introduced(edge, broker, hub, meter)
        await until(lambda: ready(edge))
        async with connected(edge) as client:
            await client.command("set_daily_cap", kes=0)
            assert (await client.command("simulate_strategy", strategy="standing_limits", days=3))["ok"]
            await client.command("set_auto_sell", on=True)
            await until(lambda: hub.limits[1] is None)
            await hub.push()
            await until(lambda: edge.state["trader"]["last"] is not None)
            assert "Nothing is bought in this period" in edge.state["trader"]["last"]["sentence"]
            await client.command("set_auto_sell", on=False)
            await until(lambda: hub.limits[1] == 2_000)
    orders = [message for message in hub.messages if isinstance(message, StandingOrder)]
    assert len(orders) == 2


async def test_money_spent_counts_all_markets(tmp_path: Any) -> None:
    store = await Store.open(tmp_path)
    history = History(store)
    await store.write(
        lambda db: db.executemany(
            "INSERT INTO own_trade VALUES (?, 'spot', 5, ?, 1)", [(100, -70), (101, 90), (900, -1)]
        )
    )
    assert await history.spent(0, 500) == 70
    await store.close()


@pytest.mark.usefixtures("quick")
async def test_the_first_periods_of_another_length_are_decided_one_by_one(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, tmp_path: Any
) -> None:
    """The edge knows of the change from what was announced: its hub has not told anything since."""
    midnight = int(time.time()) // DAY * DAY + DAY
    ahead = midnight - 20 * 60 - time.time()  # twenty minutes before midnight

    def clock() -> datetime:
        return datetime.fromtimestamp(time.time() + ahead, UTC)

    meter.start = midnight - 3600
    await with_past(tmp_path, now=midnight - HALF_HOUR)
    hub.clock = lambda: clock().timestamp()
    hub.limits, hub.period_change = (1_000, 2_000), {"from": midnight, "minutes": 15}
    async with make_edge(clock, latitude=-1.3) as edge:
        await introduced(edge, broker, hub, meter)
        await until(lambda: ready(edge))
        assert edge.state["tariffs"]["period_change"] == {"from": midnight, "minutes": 15}
        async with connected(edge) as client:
            assert (await client.command("simulate_strategy", strategy="standing_limits", days=3))["ok"]
            assert (await client.command("set_auto_sell", on=True))["ok"]
        store = edge._store
        assert store is not None
        decided = "SELECT subject FROM decision WHERE kind = 'limits' ORDER BY id"
        for start, jump in ((midnight - HALF_HOUR, 0), (midnight, 25 * 60), (midnight + 900, 15 * 60)):
            ahead += jump
            await hub.push()  # what it says is as old as before
            async with asyncio.timeout(120):
                while True:
                    rows = await edge.store.read(lambda db: [row[0] for row in db.execute(decided)])
                    if f"limits:{start}" in rows:
                        break
                    await asyncio.sleep(0.05)
        assert rows == [f"limits:{at}" for at in (midnight - HALF_HOUR, midnight, midnight + 900)]
        status, forecast = await asked(edge, "forecast")
        assert status == 200
        assert {one["minutes"] for one in forecast["periods"]} == {15}

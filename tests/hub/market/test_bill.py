"""Fees and bills: every cent that leaves a household arrives somewhere."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from energy_swap_hub.market.fees import Line, NoTariffError, Tariff, bill, bill_priced, tariff_at
from energy_swap_hub.market.period import PeriodOrder, Side
from energy_swap_hub.market.stages import clear_stages
from energy_swap_hub.market.trade import Trade
from energy_swap_protocol.units import cost_cents
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime(2026, 11, 20, tzinfo=UTC)


def tariff(community_fee: int = 50, grid_fee: int = 100, valid_from: datetime = START) -> Tariff:
    return Tariff(valid_from, community_fee, grid_fee, retail_cents_per_kwh=2100, feed_in_cents_per_kwh=800)


households = st.sampled_from(["a", "b", "c", "d"])
trades_of_different_households = st.lists(
    st.tuples(households, households, st.integers(1, 5_000_000))
    .filter(lambda trade: trade[0] != trade[1])
    .map(lambda trade: Trade(*trade)),
    max_size=20,
)


def test_buyer_pays_price_and_fees_and_seller_receives_the_price() -> None:
    result = bill([Trade("sun", "home", 2000)], 1200, tariff())
    home, sun = result.lines
    assert (home.household, home.bought_wh, home.paid_cents, home.earned_cents) == ("home", 2000, 2700, 0)
    assert (sun.household, sun.sold_wh, sun.paid_cents, sun.earned_cents) == ("sun", 2000, 0, 2400)
    assert (result.community_fee_cents, result.grid_fee_cents, result.rounding_cents) == (100, 200, 0)


@pytest.mark.parametrize("trade", [Trade("sun", "sun", 5), Trade("sun", "home", 0), Trade("sun", "home", -1)])
def test_what_is_no_trade_between_two_households_is_not_billed(trade: Trade) -> None:
    with pytest.raises(ValueError, match="between two households"):
        bill([Trade("sun", "home", 2000), trade], 1200, tariff())


def test_cents_that_whole_cents_leave_over_go_to_rounding() -> None:
    # Three buyers of 333 Wh at KES 10.05 pay 3.35 each (3.34665), the seller of 999 Wh earns 10.04 (10.03995).
    result = bill([Trade("sun", buyer, 333) for buyer in "abc"], 1005, tariff(0, 0))
    assert [line.paid_cents for line in result.lines] == [335, 335, 335, 0]
    assert result.lines[3].earned_cents == 1004
    assert result.rounding_cents == 1


@settings(deadline=None)
@given(trades_of_different_households, st.integers(0, 100_000), st.integers(0, 5000), st.integers(0, 5000))
def test_bill_conserves_energy_and_cents(
    trades: list[Trade], price: int, community_fee: int, grid_fee: int
) -> None:
    result = bill(trades, price, tariff(community_fee, grid_fee))
    paid = sum(line.paid_cents for line in result.lines)
    earned = sum(line.earned_cents for line in result.lines)
    assert paid - earned - result.community_fee_cents - result.grid_fee_cents - result.rounding_cents == 0
    wh = sum(trade.wh for trade in trades)
    assert wh == sum(line.bought_wh for line in result.lines) == sum(line.sold_wh for line in result.lines)
    assert (result.community_fee_cents, result.grid_fee_cents) == (
        cost_cents(wh, community_fee),
        cost_cents(wh, grid_fee),
    )
    assert abs(result.rounding_cents) <= len(result.lines) + 1
    for line in result.lines:
        bought = sum(trade.wh for trade in trades if trade.buyer == line.household)
        assert line.paid_cents == cost_cents(bought, price + community_fee + grid_fee)
        sold = sum(trade.wh for trade in trades if trade.seller == line.household)
        assert line.earned_cents == cost_cents(sold, price)


@settings(deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(0, 3000))
def test_how_trades_were_paired_costs_nobody_a_cent(first: int, second: int, price: int) -> None:
    straight = [
        Trade("s1", "b1", first),
        Trade("s2", "b2", second),
        Trade("s1", "b2", second),
        Trade("s2", "b1", first),
    ]
    crossed = [Trade("s1", "b1", first + second), Trade("s2", "b2", first + second)]
    if first == second:
        assert bill(straight, price, tariff()) == bill(crossed, price, tariff())
    halves = [Trade(t.seller, t.buyer, 1) for t in straight] + [
        Trade(t.seller, t.buyer, t.wh - 1) for t in straight if t.wh > 1
    ]
    assert bill(halves, price, tariff()) == bill(straight, price, tariff())


def test_from_orders_to_the_bill_no_watt_hour_and_no_cent_is_lost(chance: random.Random) -> None:
    households = [f"h-{number}" for number in range(9)]
    for number in range(3_000):
        orders = [
            PeriodOrder(name, chance.choice(list(Side)), chance.randint(0, 5000), chance.randint(800, 1600))
            for name in chance.sample(households, chance.randint(0, 9))
        ]
        partners = {name: chance.sample(households, chance.randint(0, 3)) for name in households}
        community_fee, grid_fee = chance.randint(0, 200), chance.randint(0, 200)
        clearing = clear_stages(orders, partners, str(number))
        result = bill_priced(clearing.trades, tariff(community_fee, grid_fee))
        lines = {line.household: line for line in result.lines}
        to_grid = {share.household: share.wh for share in clearing.grid}
        for order in orders:
            line = lines.get(order.household, Line(order.household, 0, 0, 0, 0))
            traded = line.sold_wh if order.side == Side.SELL else line.bought_wh
            assert traded + to_grid.get(order.household, 0) == order.wh
            # Nobody pays more or earns less than its own limit says, to the half cent of the one rounding.
            assert 2000 * line.earned_cents >= 2 * line.sold_wh * order.limit - 1000
            most = order.limit + community_fee + grid_fee
            assert 2000 * line.paid_cents <= 2 * line.bought_wh * most + 1000
        assert sum(line.sold_wh for line in result.lines) == sum(line.bought_wh for line in result.lines)
        received = sum(line.earned_cents for line in result.lines)
        received += result.community_fee_cents + result.grid_fee_cents + result.rounding_cents
        assert sum(line.paid_cents for line in result.lines) == received


def test_a_new_tariff_leaves_earlier_times_their_price() -> None:
    old, new = tariff(10), tariff(20, valid_from=START + timedelta(days=1))
    assert tariff_at([new, old], START) == old
    assert tariff_at([new, old], new.valid_from - timedelta(microseconds=1)) == old
    assert tariff_at([new, old], new.valid_from) == new


def test_time_before_all_tariffs_has_none() -> None:
    with pytest.raises(NoTariffError, match="record one"):
        tariff_at([tariff()], START - timedelta(seconds=1))
    with pytest.raises(NoTariffError):
        tariff_at([], START)


def test_contradicting_or_senseless_tariffs_are_refused() -> None:
    with pytest.raises(ValueError, match="two tariffs"):
        tariff_at([tariff(1), tariff(2)], START)
    with pytest.raises(ValueError, match="negative"):
        tariff(-1)
    with pytest.raises(ValueError, match="aware"):
        tariff(valid_from=datetime(2026, 11, 20))  # noqa: DTZ001 - the naive time is what is refused

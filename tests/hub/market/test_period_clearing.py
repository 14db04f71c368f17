"""The period market: greatest welfare and volume, a fair price, no self-trade, and the same in any order."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from energy_swap_hub.market.ahead import close_gate
from energy_swap_hub.market.period import LARGE, Clearing, PeriodOrder, Side, Trade, clear_period
from energy_swap_protocol.period import Period
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

BOOKS = 10_000
DAY, HALF_HOUR = datetime(2026, 11, 20, tzinfo=UTC), timedelta(minutes=30)


def sell(household: str, wh: int, at_least: int) -> PeriodOrder:
    return PeriodOrder(household, Side.SELL, wh, at_least)


def buy(household: str, wh: int, at_most: int) -> PeriodOrder:
    return PeriodOrder(household, Side.BUY, wh, at_most)


# --- what a member sees


def test_nothing_is_traded_when_limits_do_not_meet() -> None:
    assert clear_period([sell("a", 500, 1500), buy("b", 300, 1400)], "p") == Clearing(None, 500, 300, 0, ())


def test_empty_period_clears_to_nothing() -> None:
    assert clear_period([], "p") == Clearing(None, 0, 0, 0, ())
    assert clear_period([sell("a", 0, 5), buy("b", 0, 9)], "p") == Clearing(None, 0, 0, 0, ())


def test_one_buyer_and_one_seller_meet_in_the_middle() -> None:
    clearing = clear_period([sell("a", 500, 1000), buy("b", 300, 1400)], "p")
    assert clearing == Clearing(
        1000, 500, 300, 300, (Trade("a", "b", 300),)
    )  # the seller's side is the longer one
    clearing = clear_period([sell("a", 300, 1000), buy("b", 300, 1400)], "p")
    assert clearing == Clearing(1200, 300, 300, 300, (Trade("a", "b", 300),))


@pytest.mark.parametrize(
    ("low", "high", "price"), [(10, 13, 12), (10, 11, 10), (11, 12, 12), (10, 14, 12), (7, 7, 7)]
)
def test_half_a_cent_goes_to_the_even_cent(low: int, high: int, price: int) -> None:
    assert clear_period([sell("a", 1, low), buy("b", 1, high)], "p").cents_per_kwh == price


def test_a_refused_bid_holds_the_price_up_and_a_refused_ask_holds_it_down() -> None:
    accepted = [sell("a", 100, 1000), buy("b", 100, 2000)]
    assert clear_period([*accepted, buy("c", 100, 1800)], "p").cents_per_kwh == 1900
    assert clear_period([*accepted, buy("c", 1, 1200), sell("d", 1, 1300)], "p").cents_per_kwh == 1250


def test_households_at_the_marginal_limit_share_equally_whatever_they_asked_for() -> None:
    orders = [sell("sun", 900, 800), buy("first", 5000, 1500), buy("second", 400, 1500), buy("third", 100, 1500)]
    assert _bought(clear_period(orders, "p")) == {"first": 400, "second": 400, "third": 100}


def test_better_limits_are_served_in_full_before_the_margin_shares() -> None:
    orders = [sell("sun", 900, 800), buy("keen", 500, 1600), buy("b", 900, 1500), buy("c", 900, 1500)]
    assert _bought(clear_period(orders, "p")) == {"keen": 500, "b": 200, "c": 200}


def test_the_odd_watt_hour_goes_round_with_the_lot() -> None:
    orders = [sell("sun", 1, 800), buy("a", 9, 1500), buy("b", 9, 1500), buy("c", 9, 1500)]
    winners = Counter(next(iter(_bought(clear_period(orders, f"2026-11-{day:02}")))) for day in range(1, 31))
    assert set(winners) == {"a", "b", "c"}
    assert max(winners.values()) < 20


def test_several_orders_of_one_household_on_one_side_all_count() -> None:
    orders = [sell("a", 100, 1000), sell("a", 200, 1100), buy("b", 300, 1500)]
    assert clear_period(orders, "p").trades == (Trade("a", "b", 300),)


def test_household_on_both_sides_trades_with_others_when_others_are_there() -> None:
    orders = [sell("h", 500, 1000), buy("h", 500, 2000), sell("o", 500, 1200), buy("o2", 500, 1500)]
    clearing = clear_period(orders, "p")
    assert clearing.traded_wh == 1000
    assert clearing.trades == (Trade("h", "o2", 500), Trade("o", "h", 500))
    assert clearing.kept is None


def test_household_that_has_nobody_but_itself_keeps_its_energy() -> None:
    clearing = clear_period([sell("h", 500, 1000), buy("h", 400, 2000), buy("o", 100, 1500)], "p")
    assert clearing.trades == (Trade("h", "o", 100),)
    assert clearing.kept is not None
    assert clearing.kept.wh == 400
    alone = clear_period([sell("h", 500, 1000), buy("h", 400, 2000)], "p")
    assert (alone.cents_per_kwh, alone.traded_wh, alone.trades) == (None, 0, ())


def test_at_the_margin_others_come_before_the_own_demand_of_the_seller() -> None:
    clearing = clear_period([sell("h", 500, 1000), buy("h", 500, 1000), buy("o", 500, 1000)], "p")
    assert clearing.trades == (Trade("h", "o", 500),)


@pytest.mark.parametrize(("wh", "limit"), [(-1, 10), (1, -10)])
def test_negative_orders_are_refused(wh: int, limit: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        sell("a", wh, limit)


def test_a_side_is_no_mere_word() -> None:
    word: Any = "sell"
    with pytest.raises(ValueError, match="not 'sell'"):
        PeriodOrder("a", word, 1, 1)


# --- against an oracle that knows nothing of how it is done


def _sold(clearing: Clearing) -> Counter[str]:
    return sum((Counter({trade.seller: trade.wh}) for trade in clearing.trades), Counter())


def _bought(clearing: Clearing) -> Counter[str]:
    return sum((Counter({trade.buyer: trade.wh}) for trade in clearing.trades), Counter())


def _gain_at(orders: Sequence[PeriodOrder], price: int) -> int:
    """What all households together would gain if each could trade all it likes at ``price``."""
    return sum(
        order.wh * max(0, order.limit - price if order.side == Side.BUY else price - order.limit)
        for order in orders
    )


def _optimum(orders: Sequence[PeriodOrder]) -> tuple[int, int, int, int]:
    """Return greatest welfare, greatest volume at one price, lowest and highest market-clearing price.

    Welfare and prices by duality: no allocation gains more than the least of `_gain_at` over all prices, and the
    prices where it is least are those that clear the market. Volume by trying every price.
    """
    prices = range(max((order.limit for order in orders), default=0) + 2)
    gains = [_gain_at(orders, price) for price in prices]
    welfare = min(gains)
    clearing = [price for price in prices if gains[price] == welfare]
    volume = max(
        min(
            sum(o.wh for o in orders if o.side == Side.SELL and o.limit <= price),
            sum(o.wh for o in orders if o.side == Side.BUY and o.limit >= price),
        )
        for price in prices
    )
    return welfare, volume, clearing[0], clearing[-1]


def _best_value(orders: Sequence[PeriodOrder], side: Side, filled: Counter[str]) -> int:
    """Return the worth (cost) at its own limits of what each household bought (sold), best limits first."""
    value = 0
    sign = 1 if side == Side.SELL else -1
    for household, wh in filled.items():
        left = wh
        own = (order for order in orders if order.household == household and order.side == side)
        for order in sorted(own, key=lambda order: sign * order.limit):
            step = min(left, order.wh)
            value += step * order.limit
            left -= step
        assert not left, f"{household}: filled above its orders on the {side} side"
    return value


def _check(orders: Sequence[PeriodOrder], clearing: Clearing) -> None:
    welfare, volume, low, high = _optimum(orders)
    sold, bought = _sold(clearing), _bought(clearing)
    assert sold.total() == bought.total() == clearing.traded_wh
    assert clearing.supply_wh == sum(o.wh for o in orders if o.side == Side.SELL)
    assert clearing.demand_wh == sum(o.wh for o in orders if o.side == Side.BUY)
    assert all(trade.seller != trade.buyer and trade.wh > 0 for trade in clearing.trades)
    assert len(clearing.trades) <= max(0, len(sold) + len(bought) - 1)
    assert len({(trade.seller, trade.buyer) for trade in clearing.trades}) == len(clearing.trades)

    # Own use counts as used, at the limits of the household that keeps it.
    kept = Counter({clearing.kept.household: clearing.kept.wh}) if clearing.kept else Counter[str]()
    assert clearing.traded_wh + kept.total() == volume
    used, given = bought + kept, sold + kept
    assert _best_value(orders, Side.BUY, used) - _best_value(orders, Side.SELL, given) == welfare
    if not clearing.trades:
        assert clearing.cents_per_kwh is None
        return

    price = clearing.cents_per_kwh
    assert price is not None
    assert price == round((low + high) / 2)  # Python rounds half to even, and these numbers are small
    for side, filled in ((Side.SELL, given), (Side.BUY, used)):
        wanted: Counter[str] = Counter()
        better: Counter[str] = Counter()
        for order in orders:
            if order.side == side:
                is_better = order.limit < price if side == Side.SELL else order.limit > price
                better[order.household] += order.wh if is_better else 0
                wanted[order.household] += order.wh if is_better or order.limit == price else 0
        for household, wh in filled.items():
            assert wh <= wanted[household], f"{household} trades against its limit"
        for household, wh in better.items():
            assert filled[household] >= wh, f"{household} has a better limit than the price and is not served"
        one_sided = {h for h in wanted if not any(o.household == h and o.side != side and o.wh for o in orders)}
        for short in (h for h in one_sided if filled[h] < wanted[h]):
            share = filled[short] - better[short]
            for other in one_sided:
                assert filled[other] - better[other] <= share + 1, f"{other} gets more than its equal share"


def _random_book(chance: random.Random) -> list[PeriodOrder]:
    households = [f"h-{n}" for n in range(chance.randint(1, 9))]
    highest = chance.choice([2, 4, 12, 40])  # low: nearly all limits are equal
    most = chance.choice([3, 10, 5000])
    return [
        PeriodOrder(
            chance.choice(households),
            chance.choice(list(Side)),
            chance.randint(0, most),
            chance.randint(0, highest),
        )
        for _ in range(chance.randint(0, 14))
    ]


def test_random_books_reach_the_optimum(chance: random.Random) -> None:
    for number in range(BOOKS):
        orders = _random_book(chance)
        clearing = clear_period(orders, str(number))
        _check(orders, clearing)
        assert clear_period(chance.sample(orders, len(orders)), str(number)) == clearing


def test_large_random_books_reach_the_optimum(chance: random.Random) -> None:
    for number in range(200):
        highest, most = chance.choice([3, 12, 40]), chance.choice([3, 5000])
        orders = [
            PeriodOrder(f"h-{n}", chance.choice(list(Side)), chance.randint(0, most), chance.randint(0, highest))
            for n in range(chance.randint(LARGE, 3 * LARGE))
        ]
        clearing = clear_period(orders, str(number))
        _check(orders, clearing)
        assert clear_period(chance.sample(orders, len(orders)), str(number)) == clearing


def test_random_gates_reach_the_optimum(chance: random.Random) -> None:
    """Contracts of one gate: households on one side each, as trading ahead wants it."""
    for number in range(BOOKS):
        orders = [
            replace(order, side=Side.SELL if order.household < "h-4" else Side.BUY)
            for order in _random_book(chance)
        ]
        period = Period(DAY + number * HALF_HOUR, HALF_HOUR)
        clearing, contracts = close_gate(orders, period)
        _check(orders, clearing)
        assert close_gate(chance.sample(orders, len(orders)), period) == (clearing, contracts)
        assert sorted((c.seller, c.buyer, c.wh, c.cents_per_kwh) for c in contracts) == sorted(
            (trade.seller, trade.buyer, trade.wh, clearing.cents_per_kwh) for trade in clearing.trades
        )


def test_linear_program_finds_no_more_welfare(chance: random.Random) -> None:
    """The optimum by a solver, over all trades between two different households that limits allow."""
    for number in range(200):
        sells = [sell(f"s-{n}", chance.randint(1, 50), chance.randint(5, 22)) for n in range(chance.randint(1, 6))]
        buys = [buy(f"b-{n}", chance.randint(1, 50), chance.randint(8, 25)) for n in range(chance.randint(1, 6))]
        gain = [float(bid.limit - ask.limit) for ask in sells for bid in buys]
        of_seller = np.kron(np.eye(len(sells)), np.ones(len(buys)))
        of_buyer = np.kron(np.ones(len(sells)), np.eye(len(buys)))
        found = linprog(
            [-per_wh for per_wh in gain],
            A_ub=np.vstack((of_seller, of_buyer)),
            b_ub=[order.wh for order in (*sells, *buys)],
        )
        clearing = clear_period([*sells, *buys], str(number))
        limits = {order.household: order.limit for order in (*sells, *buys)}
        welfare = sum(trade.wh * (limits[trade.buyer] - limits[trade.seller]) for trade in clearing.trades)
        assert welfare == round(-found.fun)


def _allocations(orders: Sequence[PeriodOrder]) -> Iterator[tuple[int, int]]:
    """Yield, for every set of fills, its welfare (own use counted) and its most volume without self-trade."""
    for fills in itertools.product(*(range(order.wh + 1) for order in orders)):
        sold: Counter[str] = Counter()
        bought: Counter[str] = Counter()
        welfare = 0
        for order, wh in zip(orders, fills, strict=True):
            (sold if order.side == Side.SELL else bought)[order.household] += wh
            welfare += -wh * order.limit if order.side == Side.SELL else wh * order.limit
        volume = sold.total()
        if volume == bought.total():
            own = max((sold[h] + bought[h] - volume for h in sold.keys() | bought.keys()), default=0)
            yield welfare, volume - max(0, own)


def test_no_allocation_has_more_welfare_or_as_much_welfare_and_more_trade(chance: random.Random) -> None:
    """Every allocation of tiny books with households on both sides is tried."""
    for number in range(400):
        orders = [
            PeriodOrder(
                chance.choice("abc"), chance.choice(list(Side)), chance.randint(1, 3), chance.randint(0, 4)
            )
            for _ in range(chance.randint(0, 5))
        ]
        clearing = clear_period(orders, str(number))
        assert clearing.traded_wh == max(_allocations(orders))[1]


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            PeriodOrder,
            st.sampled_from(["a", "b", "c", "d", "e"]),
            st.sampled_from(Side),
            st.integers(0, 10**9),
            st.integers(0, 60),
        ),
        max_size=12,
    ),
    st.text(),
)
def test_any_book_reaches_the_optimum(orders: list[PeriodOrder], lot: str) -> None:
    _check(orders, clear_period(orders, lot))

"""The period in stages: partners first, then the community, then the grid; no Wh lost, every limit kept."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from energy_swap_hub.market.fees import Tariff, bill_priced
from energy_swap_hub.market.period import PeriodOrder, Side, clear_period
from energy_swap_hub.market.stages import GridShare, StagedClearing, clear_stages
from energy_swap_hub.market.trade import PricedTrade, Trade
from energy_swap_protocol.units import cost_cents

BOOKS = 1_000
DAY = datetime(2026, 11, 20, tzinfo=UTC)

type Partners = Mapping[str, Sequence[str]]


def sell(household: str, wh: int, at_least: int) -> PeriodOrder:
    return PeriodOrder(household, Side.SELL, wh, at_least)


def buy(household: str, wh: int, at_most: int) -> PeriodOrder:
    return PeriodOrder(household, Side.BUY, wh, at_most)


def friends(*pairs: str) -> Partners:
    """Return who has chosen whom when the two letters of each pair have chosen each other."""
    chosen: dict[str, list[str]] = {}
    for one, other in map(tuple, pairs):
        chosen.setdefault(one, []).append(other)
        chosen.setdefault(other, []).append(one)
    return chosen


def traded(clearing: StagedClearing) -> dict[tuple[str, str], int]:
    """Return the Wh between partners."""
    return {(p.trade.seller, p.trade.buyer): p.trade.wh for p in clearing.partners}


# --- what a member sees


def test_partners_trade_first_and_at_the_communitys_price() -> None:
    orders = [sell("a", 500, 900), sell("b", 500, 900), buy("c", 400, 1300), buy("d", 600, 1700)]
    clearing = clear_stages(orders, friends("ac"), "p")
    # Without a's choice d would have been served before c, as it gives more.
    assert clearing.community.trades == (Trade("a", "d", 100), Trade("b", "d", 500))
    assert clearing.community.cents_per_kwh == 1300
    assert clearing.partners == (PricedTrade(Trade("a", "c", 400), 1300),)
    assert clearing.grid == ()


def test_partners_whose_limits_exclude_the_communitys_price_meet_in_the_middle() -> None:
    orders = [sell("a", 400, 900), buy("c", 400, 1001), sell("b", 500, 1500), buy("d", 500, 1700)]
    clearing = clear_stages(orders, friends("ac"), "p")
    assert clearing.community.cents_per_kwh == 1600
    assert clearing.partners == (PricedTrade(Trade("a", "c", 400), 950),)


def test_partners_meet_in_the_middle_when_the_community_trades_nothing() -> None:
    clearing = clear_stages([sell("a", 400, 900), buy("c", 300, 1200)], friends("ac"), "p")
    assert clearing.partners == (PricedTrade(Trade("a", "c", 300), 1050),)
    assert clearing.community.cents_per_kwh is None
    assert clearing.grid == (GridShare("a", Side.SELL, 100),)


def test_limits_of_partners_must_meet() -> None:
    clearing = clear_stages([sell("a", 400, 900), buy("c", 300, 899)], friends("ac"), "p")
    assert clearing.trades == ()
    assert clearing.grid == (GridShare("a", Side.SELL, 400), GridShare("c", Side.BUY, 300))


def test_a_choice_that_is_not_returned_counts_for_nothing() -> None:
    orders = [sell("a", 400, 900), buy("c", 400, 1000), buy("d", 400, 1500)]
    clearing = clear_stages(orders, {"c": ["a", "c", "gone"]}, "p")
    assert clearing.partners == ()
    assert clearing.community == clear_period(orders, "p")
    assert clearing.grid == (GridShare("c", Side.BUY, 400),)


def test_a_seller_shares_equally_among_its_partners_whatever_their_limits() -> None:
    orders = [sell("a", 900, 900), buy("c", 5000, 1000), buy("d", 400, 2000), buy("e", 100, 1500)]
    clearing = clear_stages(orders, friends("ac", "ad", "ae"), "p")
    assert traded(clearing) == {("a", "c"): 400, ("a", "d"): 400, ("a", "e"): 100}


def test_a_buyer_takes_equally_from_its_partners() -> None:
    orders = [sell("a", 900, 900), sell("b", 100, 1400), buy("c", 600, 1500)]
    assert traded(clear_stages(orders, friends("ac", "bc"), "p")) == {("a", "c"): 500, ("b", "c"): 100}


def test_what_one_partner_has_no_more_is_asked_of_the_others() -> None:
    orders = [sell("a", 200, 900), sell("b", 900, 900), buy("c", 400, 1500), buy("d", 400, 1500)]
    clearing = clear_stages(orders, friends("ac", "bc", "ad"), "p")
    # First round: c asks both for 200, d asks a for 400; a shares 100 each. Second round: c asks b for the rest.
    assert traded(clearing) == {("a", "c"): 100, ("a", "d"): 100, ("b", "c"): 300}
    assert clearing.community.trades == (Trade("b", "d", 300),)


def test_own_energy_that_the_community_cannot_place_does_not_go_to_the_grid() -> None:
    clearing = clear_stages([sell("h", 500, 1000), buy("h", 400, 2000)], friends("hh"), "p")
    assert clearing.community.kept is not None
    assert clearing.grid == (GridShare("h", Side.SELL, 100),)


def test_two_orders_of_a_household_on_one_side_are_refused() -> None:
    with pytest.raises(ValueError, match="one order to sell"):
        clear_stages([sell("a", 1, 1), sell("a", 1, 1)], {}, "p")


# --- for any book


def _random_orders(chance: random.Random) -> list[PeriodOrder]:
    highest = chance.choice([2, 6, 40])
    most = chance.choice([3, 10, 5000])
    places = chance.sample([(name, side) for name in "abcdefgh" for side in Side], chance.randint(0, 12))
    return [PeriodOrder(name, side, chance.randint(0, most), chance.randint(0, highest)) for name, side in places]


def _random_partners(chance: random.Random) -> Partners:
    return {name: chance.sample("abcdefgh", chance.randint(0, 6)) for name in chance.sample("abcdefgh", 6)}


def test_any_book_keeps_every_watt_hour_limit_and_choice(chance: random.Random) -> None:
    for number in range(BOOKS):
        orders, partners, lot = _random_orders(chance), _random_partners(chance), str(number)
        clearing = clear_stages(orders, partners, lot)
        limits = {(o.household, o.side): o.limit for o in orders}
        left = Counter({(o.household, o.side): o.wh for o in orders})
        for priced in clearing.partners:
            trade, price = priced.trade, priced.cents_per_kwh
            ask, bid = limits[trade.seller, Side.SELL], limits[trade.buyer, Side.BUY]
            community = clearing.community.cents_per_kwh
            assert trade.buyer in partners[trade.seller]
            assert trade.seller in partners[trade.buyer]
            assert ask <= price <= bid
            within = community is not None and ask <= community <= bid
            assert price == (community if within else round((ask + bid) / 2))
            left[trade.seller, Side.SELL] -= trade.wh
            left[trade.buyer, Side.BUY] -= trade.wh
        _assert_no_partners_could_trade(left, limits, partners)
        rest = [PeriodOrder(o.household, o.side, left[o.household, o.side], o.limit) for o in orders]
        assert clearing.community == clear_period(rest, lot)
        for trade in clearing.community.trades:
            left[trade.seller, Side.SELL] -= trade.wh
            left[trade.buyer, Side.BUY] -= trade.wh
        if kept := clearing.community.kept:
            left[kept.household, Side.SELL] -= kept.wh
            left[kept.household, Side.BUY] -= kept.wh
        assert {(s.household, s.side): s.wh for s in clearing.grid} == {k: wh for k, wh in left.items() if wh}
        assert min(left.values(), default=0) >= 0


def _assert_no_partners_could_trade(
    left: Counter[tuple[str, Side]], limits: Mapping[tuple[str, Side], int], partners: Partners
) -> None:
    for seller in "abcdefgh":
        for buyer in set(partners.get(seller, ())) - {seller}:
            if left[seller, Side.SELL] and left[buyer, Side.BUY] and seller in partners.get(buyer, ()):
                assert limits[seller, Side.SELL] > limits[buyer, Side.BUY]


def test_any_order_of_arrival_gives_the_same_result(chance: random.Random) -> None:
    for number in range(300):
        orders, partners = _random_orders(chance), _random_partners(chance)
        shuffled = {
            name: chance.sample(partners[name], len(partners[name]))
            for name in chance.sample(list(partners), len(partners))
        }
        again = clear_stages(chance.sample(orders, len(orders)), shuffled, str(number))
        assert again == clear_stages(orders, partners, str(number))


def test_partners_of_one_seller_get_the_shares_of_equal_rounds(chance: random.Random) -> None:
    for number in range(300):
        buyers = "bcdefg"[: chance.randint(1, 6)]
        needs = {buyer: chance.randint(0, 9) for buyer in buyers}
        offered = chance.randint(0, 40)
        orders = [sell("a", offered, 10), *(buy(b, wh, chance.randint(10, 20)) for b, wh in needs.items())]
        clearing = clear_stages(orders, friends(*(f"a{buyer}" for buyer in buyers)), str(number))
        got = Counter({buyer: wh for (_, buyer), wh in traded(clearing).items()})
        assert got.total() == min(offered, sum(needs.values()))
        for short in (b for b in buyers if got[b] < needs[b]):
            assert max(got.values(), default=0) <= got[short] + 1


def test_without_partners_the_community_is_all_there_is(chance: random.Random) -> None:
    for number in range(300):
        orders = _random_orders(chance)
        assert clear_stages(orders, {}, str(number)).community == clear_period(orders, str(number))


def test_the_bill_of_all_stages_conserves_energy_and_cents(chance: random.Random) -> None:
    for number in range(300):
        clearing = clear_stages(_random_orders(chance), _random_partners(chance), str(number))
        tariff = Tariff(DAY, chance.randint(0, 99), chance.randint(0, 99), 2100, 800)
        result = bill_priced(clearing.trades, tariff)  # asserts that both sides balance
        for line in result.lines:
            of_it = [p for p in clearing.trades if p.trade.seller == line.household]
            assert line.sold_wh == sum(p.trade.wh for p in of_it)
            assert line.earned_cents == cost_cents(sum(p.trade.wh * p.cents_per_kwh for p in of_it), 1)

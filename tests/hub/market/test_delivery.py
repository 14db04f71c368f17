"""After a contract's period: what both meters show is paid, the rest refunded, who deviated bears the difference.

The bills were worked out on paper: contracts at 14.00 KES/kWh, fees 0.50 + 1.00, so 15.50 for the buyer; the grid
sells at 21.00 and takes at 8.00. Backfill is 5.50 dearer than the contract, spare energy brings 6.00 less.
"""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from energy_swap_hub.market.ahead import BothSidesError, Contract
from energy_swap_hub.market.delivery import AheadLine, Delivery, Settled, settle_contracts
from energy_swap_hub.market.fees import Tariff
from energy_swap_protocol.period import Period

PERIOD = Period(datetime(2026, 11, 20, 12, tzinfo=UTC), timedelta(minutes=30))
TARIFF = Tariff(PERIOD.start, 50, 100, 2100, 800)


def contract(seller: str, buyer: str, wh: int, number: int = 1, cents_per_kwh: int = 1400) -> Contract:
    return Contract(number, PERIOD, seller, buyer, wh, cents_per_kwh)


def settle(*contracts: Contract, **net_export_wh: int | None) -> Delivery:
    return settle_contracts(contracts, net_export_wh, TARIFF)


def wh(delivery: Delivery) -> list[tuple[int, int, int]]:
    return [(s.delivered_wh, s.backfill_wh, s.spare_wh) for s in delivery.settled]


def test_a_kept_contract_is_paid_and_nothing_else_happens() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=1000, home=-1000)
    assert delivery.settled == (Settled(contract("sun", "home", 1000), 1000, 0, 0),)
    assert delivery.lines == (
        AheadLine("home", 1000, 15_50, 0, 0, 0, 0, 0, 0),
        AheadLine("sun", 0, 0, 0, 1000, 14_00, 0, 0, 0),
    )
    assert (delivery.community_fee_cents, delivery.grid_fee_cents, delivery.rounding_cents) == (50, 1_00, 0)
    assert delivery.left_wh == {}


def test_seller_that_delivers_less_bears_the_backfill() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=700, home=-1000)
    home, sun = delivery.lines
    # 700 Wh are paid, 300 Wh refunded; they come from the grid for 6.30, of which the seller bears 300 Wh x 5.50.
    assert home == AheadLine(
        "home",
        700,
        10_85,
        refunded_cents=4_65,
        sold_wh=0,
        earned_cents=0,
        grid_wh=-300,
        grid_cents=-6_30,
        difference_cents=1_65,
    )
    assert sun == AheadLine("sun", 0, 0, 0, 700, 9_80, 0, 0, difference_cents=-1_65)
    assert home.paid_cents - home.grid_cents - home.difference_cents == 15_50  # as the contract promised
    assert delivery.settled[0].refunded_wh == 300
    assert delivery.left_wh == {}


def test_buyer_that_takes_more_pays_the_contract_and_has_the_rest_left_to_buy() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=1000, home=-1300)
    assert delivery.lines[0] == AheadLine("home", 1000, 15_50, 0, 0, 0, 0, 0, 0)
    assert delivery.left_wh == {"home": -300}


def test_seller_that_delivers_more_has_the_rest_left_to_sell() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=1200, home=-1000)
    assert delivery.lines[1] == AheadLine("sun", 0, 0, 0, 1000, 14_00, 0, 0, 0)
    assert delivery.left_wh == {"sun": 200}


def test_buyer_that_takes_less_bears_what_the_seller_loses() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=1000, home=-400)
    home, sun = delivery.lines
    # 400 Wh are paid, 600 Wh refunded; the seller gets 4.80 from the grid for them, the buyer bears 600 Wh x 6.00.
    assert home == AheadLine("home", 400, 6_20, 9_30, 0, 0, 0, 0, difference_cents=-3_60)
    assert sun == AheadLine("sun", 0, 0, 0, 400, 5_60, grid_wh=600, grid_cents=4_80, difference_cents=3_60)
    assert sun.earned_cents + sun.grid_cents + sun.difference_cents == 14_00  # as the contract promised
    assert delivery.left_wh == {}


def test_both_deviate_and_the_seller_had_more() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=700, home=-600)
    home, sun = delivery.lines
    # 300 Wh nobody had and nobody needed: refunded, and that is all. For 100 Wh the buyer was the one who failed.
    assert wh(delivery) == [(600, 0, 100)]
    assert home == AheadLine("home", 600, 9_30, 6_20, 0, 0, 0, 0, difference_cents=-60)
    assert sun == AheadLine("sun", 0, 0, 0, 600, 8_40, grid_wh=100, grid_cents=80, difference_cents=60)


def test_both_deviate_and_the_buyer_needed_more() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=600, home=-800)
    home, sun = delivery.lines
    assert wh(delivery) == [(600, 200, 0)]
    assert home == AheadLine("home", 600, 9_30, 6_20, 0, 0, grid_wh=-200, grid_cents=-4_20, difference_cents=1_10)
    assert sun == AheadLine("sun", 0, 0, 0, 600, 8_40, 0, 0, difference_cents=-1_10)


def test_both_deviate_by_the_same_and_nobody_owes_the_other() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=600, home=-600)
    assert wh(delivery) == [(600, 0, 0)]
    assert [line.difference_cents for line in delivery.lines] == [0, 0]
    assert delivery.lines[0].refunded_cents == 6_20


def test_several_contracts_are_filled_in_order_of_number() -> None:
    delivery = settle(
        contract("sun", "late", 500, number=2),
        contract("sun", "early", 500, number=1),
        sun=700,
        early=-500,
        late=-500,
    )
    assert wh(delivery) == [(500, 0, 0), (200, 300, 0)]
    early, late, sun = delivery.lines
    assert early == AheadLine("early", 500, 7_75, 0, 0, 0, 0, 0, 0)
    assert late == AheadLine("late", 200, 3_10, 4_65, 0, 0, grid_wh=-300, grid_cents=-6_30, difference_cents=1_65)
    assert sun == AheadLine("sun", 0, 0, 0, 700, 9_80, 0, 0, difference_cents=-1_65)


def test_what_an_earlier_buyer_left_goes_to_a_later_one_before_anybody_is_blamed() -> None:
    delivery = settle(
        contract("sun", "early", 500, number=1),
        contract("sun", "late", 500, number=2),
        sun=500,
        early=0,
        late=-500,
    )
    # The seller had 500 too little and the first buyer needed 500 less: the second has all it was promised.
    assert wh(delivery) == [(0, 0, 0), (500, 0, 0)]
    assert [line.difference_cents for line in delivery.lines] == [0, 0, 0]


def test_a_buyer_with_two_sellers_fills_the_first_contract_first() -> None:
    delivery = settle(
        contract("sun", "home", 500, number=1),
        contract("roof", "home", 500, number=2),
        sun=500,
        roof=500,
        home=-700,
    )
    assert wh(delivery) == [(500, 0, 0), (200, 0, 300)]
    assert {line.household: line.difference_cents for line in delivery.lines} == {
        "home": -1_80,
        "roof": 1_80,
        "sun": 0,
    }


def test_a_sellers_silent_meter_has_delivered_nothing() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=None, home=-1000)
    home, sun = delivery.lines
    assert home == AheadLine("home", 0, 0, 15_50, 0, 0, grid_wh=-1000, grid_cents=-21_00, difference_cents=5_50)
    assert sun == AheadLine("sun", 0, 0, 0, 0, 0, 0, 0, difference_cents=-5_50)


def test_a_buyers_silent_meter_has_taken_nothing() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=1000, home=None)
    home, sun = delivery.lines
    assert home == AheadLine("home", 0, 0, 15_50, 0, 0, 0, 0, difference_cents=-6_00)
    assert sun == AheadLine("sun", 0, 0, 0, 0, 0, grid_wh=1000, grid_cents=8_00, difference_cents=6_00)


def test_when_both_meters_are_silent_all_is_refunded_and_nobody_is_blamed() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=None, home=None)
    assert delivery.lines[0] == AheadLine("home", 0, 0, 15_50, 0, 0, 0, 0, 0)
    assert delivery.lines[1] == AheadLine("sun", 0, 0, 0, 0, 0, 0, 0, 0)


def test_energy_in_the_wrong_direction_is_left_for_the_period_market() -> None:
    delivery = settle(contract("sun", "home", 1000), sun=-200, home=300)
    assert wh(delivery) == [(0, 0, 0)]
    assert delivery.left_wh == {"sun": -200, "home": 300}


def test_nobody_is_paid_for_a_failure_that_cost_the_other_nothing() -> None:
    dear = settle(contract("sun", "home", 1000, cents_per_kwh=2000), sun=0, home=-1000)
    assert [line.difference_cents for line in dear.lines] == [0, 0]  # the grid is cheaper than 20.00 + fees
    cheap = settle(contract("sun", "home", 1000, cents_per_kwh=700), sun=1000, home=0)
    assert [line.difference_cents for line in cheap.lines] == [0, 0]  # the grid gives more than 7.00


def test_contracts_that_cannot_be_settled_together_are_refused() -> None:
    one = contract("sun", "home", 1000)
    with pytest.raises(ValueError, match="no meter value for home"):
        settle(one, sun=1000)
    with pytest.raises(ValueError, match="same number"):
        settle(one, one, sun=1000, home=-1000)
    with pytest.raises(ValueError, match="one period"):
        settle(one, Contract(2, Period(PERIOD.end, PERIOD.length), "sun", "home", 1, 1), sun=1000, home=-1000)
    with pytest.raises(BothSidesError):
        settle(one, contract("home", "roof", 500, number=2), sun=1000, home=-1000, roof=-1)


def _promised(of: list[Contract], fees: int) -> int:
    return sum(c.wh * (c.cents_per_kwh + fees) for c in of)


def test_random_contracts_lose_nothing_and_blame_only_who_deviated(chance: random.Random) -> None:
    for _ in range(1_000):
        contracts = [
            contract(
                chance.choice("abc"),
                chance.choice("wxyz"),
                chance.randint(1, 900),
                number,
                chance.randint(801, 1949),
            )
            for number in range(1, chance.randint(1, 9))
        ]
        meters = {
            name: chance.choice(
                [None, chance.randint(-2000, 2000), chance.randint(0, 2000) * (1 if name in "abc" else -1)]
            )
            for name in "abcwxyz"
        }
        delivery = settle_contracts(contracts, meters, TARIFF)
        assert settle_contracts(chance.sample(contracts, len(contracts)), meters, TARIFF) == delivery
        assert [s.contract for s in delivery.settled] == contracts
        flows: Counter[str] = Counter(delivery.left_wh)
        for s in delivery.settled:
            assert s.delivered_wh + s.backfill_wh + s.spare_wh <= s.contract.wh
            assert not (s.backfill_wh and s.spare_wh)
            flows[s.contract.seller] += s.delivered_wh + s.spare_wh
            flows[s.contract.buyer] -= s.delivered_wh + s.backfill_wh
        for name in {c.seller for c in contracts} | {c.buyer for c in contracts}:
            assert flows[name] == (meters[name] or 0)  # every metered Wh is in exactly one place

        for line in delivery.lines:
            sales = [c for c in contracts if c.seller == line.household]
            buys = [c for c in contracts if c.buyer == line.household]
            net = meters[line.household] or 0
            cents = line.earned_cents - line.paid_cents + line.grid_cents + line.difference_cents
            if sales and net >= sum(c.wh for c in sales):
                assert line.difference_cents >= 0
                assert 2 * abs(1000 * cents - _promised(sales, 0)) <= 3 * 1000
            if buys and -net >= sum(c.wh for c in buys):
                assert line.difference_cents >= 0
                assert 2 * abs(1000 * cents + _promised(buys, TARIFF.fees_cents_per_kwh)) <= 3 * 1000
            promised = _promised(buys, TARIFF.fees_cents_per_kwh)
            assert 2 * abs(1000 * (line.paid_cents + line.refunded_cents) - promised) <= 1000
        paid = sum(line.paid_cents - line.difference_cents for line in delivery.lines)
        received = sum(line.earned_cents for line in delivery.lines)
        fees = delivery.community_fee_cents + delivery.grid_fee_cents
        assert paid == received + fees + delivery.rounding_cents
        assert 2 * abs(delivery.rounding_cents) <= 3 * len(delivery.lines) + 2

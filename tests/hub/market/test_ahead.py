"""Trading ahead: orders until the gate closes, then contracts at one price."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from energy_swap_hub.market.ahead import BothSidesError, Contract, close_gate, gate_closes_at
from energy_swap_hub.market.period import PeriodOrder, Side, clear_period
from energy_swap_protocol.period import Period, PeriodCalendar

PERIOD = Period(datetime(2026, 11, 20, 12, tzinfo=UTC), timedelta(minutes=30))
HALF_HOURS = PeriodCalendar(PERIOD.length)


def sell(household: str, wh: int, at_least: int) -> PeriodOrder:
    return PeriodOrder(household, Side.SELL, wh, at_least)


def buy(household: str, wh: int, at_most: int) -> PeriodOrder:
    return PeriodOrder(household, Side.BUY, wh, at_most)


def test_the_gate_closes_one_period_before_the_start_unless_the_community_says_otherwise() -> None:
    assert gate_closes_at(PERIOD, HALF_HOURS) == PERIOD.start - timedelta(minutes=30)
    assert gate_closes_at(PERIOD, HALF_HOURS, 0) == PERIOD.start
    assert gate_closes_at(PERIOD, HALF_HOURS, 48) == PERIOD.start - timedelta(days=1)
    with pytest.raises(ValueError, match="by its start"):
        gate_closes_at(PERIOD, HALF_HOURS, -1)


def test_across_a_change_of_length_the_gate_counts_the_periods_there_are() -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    quarter, half, hour = (timedelta(minutes=minutes) for minutes in (15, 30, 60))
    shorter, longer = PeriodCalendar(half, ((midnight, quarter),)), PeriodCalendar(half, ((midnight, hour),))
    assert gate_closes_at(shorter.at(midnight), shorter, 2) == midnight - 2 * half
    assert gate_closes_at(shorter.at(midnight + quarter), shorter, 2) == midnight - half
    assert gate_closes_at(longer.at(midnight + hour), longer, 2) == midnight - half
    for calendar in (shorter, longer):
        periods = calendar.between(midnight - 4 * hour, midnight + 4 * hour)
        closing = [gate_closes_at(period, calendar, 3) for period in periods]
        assert closing == sorted(closing)


def test_contracts_are_the_trades_of_one_call_auction() -> None:
    clearing, contracts = close_gate([sell("a", 500, 1000), buy("b", 300, 1400)], PERIOD)
    assert clearing.cents_per_kwh == 1000
    assert contracts == (Contract(1, PERIOD, "a", "b", 300, 1000),)


def test_no_contract_when_limits_do_not_meet() -> None:
    clearing, contracts = close_gate([sell("a", 500, 1500), buy("b", 300, 1400)], PERIOD)
    assert (clearing.traded_wh, contracts) == (0, ())


def test_a_later_gate_numbers_on() -> None:
    _, first = close_gate([sell("a", 500, 1000), buy("b", 300, 1400)], PERIOD)
    _, second = close_gate([sell("a", 200, 1000), buy("c", 200, 1400)], PERIOD, first)
    assert [contract.number for contract in first + second] == [1, 2]


def test_a_household_is_on_one_side_for_a_period() -> None:
    both = [sell("a", 500, 1000), buy("a", 300, 1400)]
    with pytest.raises(BothSidesError, match="not both: a"):
        close_gate(both, PERIOD)
    _, concluded = close_gate([sell("a", 500, 1000), buy("b", 300, 1400)], PERIOD)
    with pytest.raises(BothSidesError, match="not both: b"):
        close_gate([sell("b", 300, 1000)], PERIOD, concluded)
    assert close_gate([sell("b", 0, 1000)], PERIOD, concluded)[1] == ()


def test_a_contract_is_between_two_households_about_something() -> None:
    for seller, wh in (("b", 1), ("a", 0)):
        with pytest.raises(ValueError, match="two households"):
            Contract(1, PERIOD, seller, "b", wh, 1000)


def test_the_place_among_contracts_of_one_gate_goes_round() -> None:
    orders = [sell("a", 300, 900), buy("b", 100, 1500), buy("c", 100, 1500), buy("d", 100, 1500)]
    periods = [Period(PERIOD.start + number * PERIOD.length, PERIOD.length) for number in range(40)]
    firsts = Counter(close_gate(orders, period)[1][0].buyer for period in periods)
    assert set(firsts) == {"b", "c", "d"}
    assert max(firsts.values()) < 27


def test_any_order_of_arrival_makes_the_same_contracts(chance: random.Random) -> None:
    for _ in range(200):
        orders = [
            PeriodOrder(
                name, Side.SELL if name in "abcd" else Side.BUY, chance.randint(0, 9), chance.randint(8, 12)
            )
            for name in chance.choices("abcdefgh", k=10)
        ]
        clearing, contracts = close_gate(orders, PERIOD)
        assert close_gate(chance.sample(orders, len(orders)), PERIOD) == (clearing, contracts)
        assert clearing == clear_period(orders, f"{PERIOD.id}|ahead")
        assert [c.number for c in contracts] == list(range(1, len(contracts) + 1))
        assert {(c.seller, c.buyer, c.wh) for c in contracts} == {
            (t.seller, t.buyer, t.wh) for t in clearing.trades
        }
        assert {c.cents_per_kwh for c in contracts} <= {clearing.cents_per_kwh}

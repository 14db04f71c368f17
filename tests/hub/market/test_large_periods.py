"""A large period clears exactly as a small one: the arrays decide nothing of their own."""

import random
from copy import replace

import numpy as np
import pytest
from energy_swap_hub.market import period
from energy_swap_hub.market.bulk import MOST_WH, OrderColumns, SeveralOrdersError, TooLargeError, clear_columns
from energy_swap_hub.market.period import Clearing, PeriodOrder, Side, clear_period, columns

BOOKS = 10_000


def _both(orders: list[PeriodOrder], lot: str, patch: pytest.MonkeyPatch) -> tuple[Clearing, Clearing]:
    """Return the clearing on plain numbers and, if the book allows it, on arrays."""
    with patch.context() as changed:
        changed.setattr(period, "LARGE", len(orders) + 1)
        plain = clear_period(orders, lot)
        changed.setattr(period, "LARGE", 0)
        return plain, clear_period(orders, lot)


def _book(chance: random.Random, size: int, *, most: int, highest: int) -> list[PeriodOrder]:
    names = [f"h-{number}" for number in range(size)]
    chance.shuffle(names)
    return [
        PeriodOrder(name, chance.choice(list(Side)), chance.randint(0, most), chance.randint(0, highest))
        for name in names
    ]


def _small_book(chance: random.Random) -> list[PeriodOrder]:
    most, highest = chance.choice([1, 10, 5000]), chance.choice([0, 2, 9, 40])
    return _book(chance, chance.randint(0, 16), most=most, highest=highest)


def test_any_book_clears_the_same_on_arrays(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(period, "LARGE", 10**9)
    for number in range(BOOKS):
        orders = _small_book(chance)
        plain, arrays = clear_period(orders, str(number)), clear_columns(columns(orders), str(number))
        assert arrays == plain
        assert plain == arrays
        assert all(type(trade.wh) is int for trade in arrays.trades)
        assert clear_columns(columns(chance.sample(orders, len(orders))), str(number)) == arrays


def test_several_orders_of_a_household_clear_the_same_where_arrays_come_first(
    chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 0
    for number in range(1_000):
        orders = _small_book(chance)
        orders += [replace(order, household=chance.choice(orders).household) for order in orders[:4]]
        plain, arrays = _both(orders, str(number), monkeypatch)
        assert arrays == plain
        try:
            clear_columns(columns(orders), str(number))
        except SeveralOrdersError:
            refused += 1
    assert 100 < refused < 1_000  # some books have a second order that does not trade: it harms nothing


def test_a_large_book_clears_the_same_on_arrays(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    for highest in (3, 1700):
        orders = _book(chance, 10_000, most=5000, highest=highest)
        plain, arrays = _both(orders, "p", monkeypatch)
        assert arrays == plain
        assert plain.traded_wh > 0
        assert clear_period(chance.sample(orders, len(orders)), "p") == plain


def test_books_that_arrays_cannot_hold_are_cleared_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = [PeriodOrder("a", Side.SELL, 2**80, 9), PeriodOrder("b", Side.BUY, 2**80, 9)]
    plain, arrays = _both(huge, "p", monkeypatch)
    assert arrays == plain
    assert plain.traded_wh == 2**80
    dear = [PeriodOrder("a", Side.SELL, 1, 2**70), PeriodOrder("b", Side.BUY, 1, 2**70)]
    assert clear_period(dear, "p") == _both(dear, "p", monkeypatch)[1]
    assert clear_period(dear, "p").traded_wh == 1
    twice = [
        PeriodOrder("a", Side.SELL, 5, 9),
        PeriodOrder("a", Side.SELL, 5, 8),
        PeriodOrder("b", Side.BUY, 9, 9),
    ]
    plain, arrays = _both(twice, "p", monkeypatch)
    assert arrays == plain


def test_trades_in_columns_are_a_list_of_trades(chance: random.Random) -> None:
    trades = clear_period(_book(chance, 12_000, most=5000, highest=1700), "p").trades
    listed = list(trades)
    assert len(trades) == len(listed) > 4_500  # more than are made at a time
    assert [trades[place] for place in range(-2, 3)] == [*listed[-2:], *listed[:3]]
    assert type(trades[0].wh) is int
    assert list(trades[10:4_500:7]) == listed[10:4_500:7]
    assert listed[5] in trades
    assert trades == tuple(listed)
    assert trades != tuple(listed[:-1])
    assert trades != (listed[1], *listed[1:])
    with pytest.raises(IndexError):
        trades[len(listed)]


def test_columns_say_what_they_do_not_hold() -> None:
    names, sale = np.array(["a", "b"], np.object_), np.array([True, False])
    ones = np.ones(2, np.int64)
    with pytest.raises(ValueError, match="equally long"):
        OrderColumns(names, sale, ones, ones[:1])
    with pytest.raises(ValueError, match="negative"):
        OrderColumns(names, sale, -ones, ones)
    with pytest.raises(TooLargeError, match=str(MOST_WH)):
        OrderColumns(names, sale, ones * (MOST_WH + 1), ones)
    most = clear_columns(OrderColumns(names, sale, ones * MOST_WH, ones), "p")
    assert most.traded_wh == MOST_WH

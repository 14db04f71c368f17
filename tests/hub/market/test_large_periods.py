"""A large period clears exactly as a small one: the arrays decide nothing of their own."""

import random

import pytest
from energy_swap_hub.market import period
from energy_swap_hub.market.period import Clearing, PeriodOrder, Side, clear_period


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


def test_any_book_clears_the_same_on_arrays(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1_000):
        orders = _book(
            chance, chance.randint(0, 16), most=chance.choice([1, 10, 5000]), highest=chance.choice([0, 2, 9, 40])
        )
        plain, arrays = _both(orders, str(number), monkeypatch)
        assert arrays == plain
        assert all(type(trade.wh) is int for trade in arrays.trades)


def test_a_large_book_clears_the_same_on_arrays(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    for highest in (3, 1700):
        orders = _book(chance, 2 * period.LARGE, most=5000, highest=highest)
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
    twice = [
        PeriodOrder("a", Side.SELL, 5, 9),
        PeriodOrder("a", Side.SELL, 5, 8),
        PeriodOrder("b", Side.BUY, 9, 9),
    ]
    plain, arrays = _both(twice, "p", monkeypatch)
    assert arrays == plain

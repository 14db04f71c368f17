"""The spot book: price, then time; partial fills; nobody trades with itself."""

import random
from collections.abc import Iterator
from copy import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from energy_swap_hub.market.spot import Best, Book, Fill, NotRestingError, Side, SpotOrder, WouldTradeError

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Orders:
    """Builds orders with ids and numbers that count up."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count(1)

    def __call__(self, household: str, side: Side, wh: int, limit: int, minutes: int | None = None) -> SpotOrder:
        number = next(self._numbers)
        valid_until = None if minutes is None else NOW + timedelta(minutes=minutes)
        return SpotOrder(number, household, side, wh, limit, valid_until)

    def sell(self, household: str, wh: int, limit: int, minutes: int | None = None) -> SpotOrder:
        return self(household, Side.SELL, wh, limit, minutes)

    def buy(self, household: str, wh: int, limit: int, minutes: int | None = None) -> SpotOrder:
        return self(household, Side.BUY, wh, limit, minutes)


@pytest.fixture
def orders() -> Orders:
    return Orders()


def test_trade_is_at_the_resting_orders_limit_and_the_rest_rests(orders: Orders) -> None:
    book = Book()
    ask = orders.sell("a", 500, 1000)
    assert book.place(ask, NOW) == []
    bid = orders.buy("b", 800, 1200)
    assert book.place(bid, NOW) == [
        Fill(bid.number, ask.number, seller="a", buyer="b", wh=500, cents_per_kwh=1000)
    ]
    assert book.best(Side.SELL, NOW) is None
    assert book.best(Side.BUY, NOW) == Best(1200, 300)
    sale = orders.sell("c", 100, 1100)
    assert book.place(sale, NOW) == [
        Fill(sale.number, bid.number, seller="c", buyer="b", wh=100, cents_per_kwh=1200)
    ]
    assert book.get(bid.number).wh == 200
    for filled in (ask, sale):
        with pytest.raises(NotRestingError):
            book.cancel(filled.number)


def test_best_limit_first_then_first_placed(orders: Orders) -> None:
    book = Book()
    dear, first, second = orders.sell("a", 10, 1100), orders.sell("b", 10, 1000), orders.sell("c", 10, 1000)
    for ask in (dear, first, second):
        book.place(ask, NOW)
    fills = book.place(orders.buy("d", 25, 1100), NOW)
    assert [(fill.resting, fill.wh) for fill in fills] == [
        (first.number, 10),
        (second.number, 10),
        (dear.number, 5),
    ]


def test_partly_filled_order_keeps_its_place(orders: Orders) -> None:
    book = Book()
    first, second = orders.sell("a", 10, 1000), orders.sell("b", 10, 1000)
    book.place(first, NOW)
    book.place(second, NOW)
    book.place(orders.buy("c", 4, 1000), NOW)
    fills = book.place(orders.buy("c", 10, 1000), NOW)
    assert [(fill.resting, fill.wh) for fill in fills] == [(first.number, 6), (second.number, 4)]


def test_own_orders_are_passed_over_and_stay(orders: Orders) -> None:
    book = Book()
    own, other = orders.sell("a", 10, 900), orders.sell("b", 10, 1000)
    book.place(own, NOW)
    book.place(other, NOW)
    bid = orders.buy("a", 15, 1000)
    assert [fill.resting for fill in book.place(bid, NOW)] == [other.number]
    assert book.get(own.number) == own
    assert book.get(bid.number).wh == 5
    # The next household meets both, each in its turn.
    assert [fill.resting for fill in book.place(orders.buy("c", 10, 900), NOW)] == [own.number]
    assert [fill.resting for fill in book.place(orders.sell("c", 5, 1000), NOW)] == [bid.number]


def test_cancel_returns_what_was_left(orders: Orders) -> None:
    book = Book()
    ask = orders.sell("a", 10, 1000)
    book.place(ask, NOW)
    book.place(orders.buy("b", 4, 1000), NOW)
    assert book.cancel(ask.number) == replace(ask, wh=6)
    assert book.place(orders.buy("b", 4, 1000), NOW) == []
    for gone in (ask.number, 99):
        with pytest.raises(NotRestingError):
            book.cancel(gone)


def test_expired_order_trades_no_more_and_is_handed_back_once(orders: Orders) -> None:
    book = Book()
    short, long = orders.sell("a", 10, 900, minutes=5), orders.sell("b", 10, 1000, minutes=10)
    book.place(short, NOW)
    book.place(long, NOW)
    last_moment = NOW + timedelta(minutes=5)
    assert book.best(Side.SELL, last_moment - timedelta(microseconds=1)) == Best(900, 10)
    assert book.best(Side.SELL, last_moment) == Best(1000, 10)
    assert [fill.resting for fill in book.place(orders.buy("c", 10, 1000), last_moment)] == [long.number]
    assert book.expire(last_moment) == [short]
    assert book.expire(last_moment) == []
    assert book.resting(Side.SELL) == []


def test_senseless_orders_are_refused(orders: Orders) -> None:
    book = Book()
    first, second = orders.sell("a", 10, 900), orders.sell("a", 10, 900)
    book.place(second, NOW)
    with pytest.raises(ValueError, match="does not follow"):
        book.place(first, NOW)
    with pytest.raises(ValueError, match="does not follow"):
        book.place(second, NOW)
    with pytest.raises(ValueError, match="expired"):
        book.place(orders.sell("a", 10, 900, minutes=0), NOW)
    with pytest.raises(ValueError, match="at least 1 Wh"):
        orders.sell("a", 0, 900)
    with pytest.raises(ValueError, match="side"):
        orders("a", "sell", 1, 900)  # type: ignore[arg-type]
    assert book.resting(Side.SELL) == [second]


def test_buyer_trades_only_with_the_seller_it_chose(orders: Orders) -> None:
    book = Book()
    cheap, chosen = orders.sell("a", 10, 900), orders.sell("b", 10, 1000)
    book.place(cheap, NOW)
    book.place(chosen, NOW)
    bid = replace(orders.buy("c", 15, 1000), seller="b")
    assert [(fill.seller, fill.wh) for fill in book.place(bid, NOW)] == [("b", 10)]
    # The rest waits for that seller, too.
    assert book.place(orders.sell("d", 5, 1000), NOW) == []
    assert [fill.resting for fill in book.place(orders.sell("b", 5, 1000), NOW)] == [bid.number]


def test_minimum_reputation_holds_for_who_comes_and_for_who_rests(orders: Orders) -> None:
    book = Book()
    low, high = (
        replace(orders.sell("a", 10, 900), reputation=7_999),
        replace(orders.sell("b", 10, 1000), reputation=8_000),
    )
    book.place(low, NOW)
    book.place(high, NOW)
    bid = replace(orders.buy("c", 15, 1000), minimum_reputation=8_000, reputation=9_000)
    assert [fill.seller for fill in book.place(bid, NOW)] == ["b"]
    assert book.place(orders.sell("d", 5, 800), NOW) == []  # no reputation yet
    picky = replace(orders.sell("e", 5, 800), reputation=10_000, minimum_reputation=9_001)
    assert book.place(picky, NOW) == []
    assert [fill.buyer for fill in book.place(replace(orders.sell("f", 5, 800), reputation=8_000), NOW)] == ["c"]


def test_post_only_order_rests_or_is_refused(orders: Orders) -> None:
    book = Book()
    ask = orders.sell("a", 10, 1000)
    book.place(ask, NOW)
    bid = replace(orders.buy("b", 10, 1000), post_only=True)
    with pytest.raises(WouldTradeError, match="below 1000") as refused:
        book.place(bid, NOW)
    assert refused.value.cents_per_kwh == 1000
    assert (book.resting(Side.SELL), book.resting(Side.BUY)) == ([ask], [])
    below = replace(bid, limit=999)
    assert book.place(below, NOW) == []
    assert [fill.resting for fill in book.place(orders.sell("c", 10, 900), NOW)] == [below.number]
    own = replace(orders.buy("a", 10, 1000), post_only=True)
    assert book.place(own, NOW) == []  # it would not trade: the ask is its own


def test_choices_that_make_no_sense_are_refused(orders: Orders) -> None:
    for order, choice in (
        (orders.sell("a", 10, 900), {"seller": "b"}),
        (orders.buy("a", 10, 900), {"seller": "a"}),
        (orders.buy("a", 10, 900), {"minimum_reputation": 10_001}),
        (orders.buy("a", 10, 900), {"reputation": -1}),
    ):
        with pytest.raises(ValueError, match=r"names a seller|basis points"):
            replace(order, **choice)


class NaiveBook:
    """The oracle: one list, looked through from the start for each single Wh."""

    def __init__(self) -> None:
        self.live: list[SpotOrder] = []

    def able(self, order: SpotOrder, now: datetime) -> list[SpotOrder]:
        sign = 1 if order.side == Side.BUY else -1
        return [
            o
            for o in self.live
            if o.side != order.side
            and o.household != order.household
            and o.seller in {None, order.household}
            and order.seller in {None, o.household}
            and o.reputation >= order.minimum_reputation
            and order.reputation >= o.minimum_reputation
            and sign * o.limit <= sign * order.limit
            and (o.valid_until is None or o.valid_until > now)
        ]

    def place(self, order: SpotOrder, now: datetime) -> list[tuple[int, int]]:
        met: dict[int, int] = {}
        sign = 1 if order.side == Side.BUY else -1
        left = order.wh
        while left and (able := self.able(order, now)):
            best = min(able, key=lambda o: (sign * o.limit, o.number))
            met[best.number] = met.get(best.number, 0) + 1
            left -= 1
            self._take_one(best)
        if left:
            self.live.append(replace(order, wh=left))
        return list(met.items())

    def _take_one(self, order: SpotOrder) -> None:
        place = self.live.index(order)
        self.live[place : place + 1] = [replace(order, wh=order.wh - 1)] if order.wh > 1 else []


def _assert_not_crossed(book: Book, now: datetime) -> None:
    for ask in book.resting(Side.SELL):
        for bid in book.resting(Side.BUY):
            if ask.is_valid_at(now) and bid.is_valid_at(now):
                accept = (
                    ask.household != bid.household
                    and bid.seller in {None, ask.household}
                    and bid.reputation >= ask.minimum_reputation
                    and ask.reputation >= bid.minimum_reputation
                )
                assert ask.limit > bid.limit or not accept


def _assert_in_priority(book: Book) -> None:
    for side, sign in ((Side.SELL, 1), (Side.BUY, -1)):
        ranks = [(sign * order.limit, order.number) for order in book.resting(side)]
        assert ranks == sorted(ranks)


def _choosy(order: SpotOrder, chance: random.Random) -> SpotOrder:
    """Return the order with a reputation, and now and then with demands."""
    order = replace(order, reputation=chance.choice([0, 5000, 9000]))
    if chance.random() < 0.2:
        order = replace(order, minimum_reputation=chance.choice([1, 6000]))
    if order.side == Side.BUY and chance.random() < 0.2:
        order = replace(order, seller=chance.choice([name for name in "abcd" if name != order.household]))
    return replace(order, post_only=chance.random() < 0.1)


def test_random_histories_match_a_naive_book(chance: random.Random) -> None:
    for _ in range(300):
        orders, book, naive, now = Orders(), Book(), NaiveBook(), NOW
        placed = returned = traded = 0
        for _ in range(chance.randint(5, 40)):
            now += timedelta(minutes=chance.randint(0, 3))
            action = chance.random()
            if action < 0.8:
                validity = chance.choice([None, chance.randint(1, 30)])
                order = orders(
                    chance.choice("abcd"), chance.choice(list(Side)), chance.randint(1, 9), chance.randint(8, 13)
                )
                if validity:
                    order = replace(order, valid_until=now + timedelta(minutes=validity))
                order = _choosy(order, chance)
                if order.post_only and naive.able(order, now):
                    with pytest.raises(WouldTradeError):
                        book.place(order, now)
                    continue
                fills = book.place(order, now)
                assert [(fill.resting, fill.wh) for fill in fills] == naive.place(order, now)
                assert all(fill.seller != fill.buyer for fill in fills)
                placed += order.wh
                traded += sum(fill.wh for fill in fills)
            elif action < 0.9 and naive.live:
                order = chance.choice(naive.live)
                naive.live.remove(order)
                assert book.cancel(order.number) == order
                returned += order.wh
            else:
                expired = [o for o in naive.live if o.valid_until is not None and o.valid_until <= now]
                naive.live = [o for o in naive.live if o not in expired]
                assert book.expire(now) == sorted(expired, key=lambda o: o.number)
                returned += sum(o.wh for o in expired)
            resting = book.resting(Side.SELL) + book.resting(Side.BUY)
            assert sorted(resting, key=lambda o: o.number) == sorted(naive.live, key=lambda o: o.number)
            assert placed == 2 * traded + returned + sum(o.wh for o in resting)
            _assert_not_crossed(book, now)
            _assert_in_priority(book)
        book.expire(now)
        _assert_comes_back(book, now)


def test_a_book_of_many_cancels_still_trades_by_price_and_time(chance: random.Random) -> None:
    orders, book, naive = Orders(), Book(), NaiveBook()
    for _ in range(3_000):
        # Bids and asks meet now and then; nearly all else is cancelled soon.
        side = chance.choice(list(Side))
        limit = chance.randint(8, 11) if side == Side.BUY else chance.randint(11, 14)
        order = orders(chance.choice("abcd"), side, chance.randint(1, 5), limit)
        fills = book.place(order, NOW)
        assert [(fill.resting, fill.wh) for fill in fills] == naive.place(order, NOW)
        while len(naive.live) > 10:
            assert book.cancel(naive.live[0].number) == naive.live.pop(0)
    resting = book.resting(Side.SELL) + book.resting(Side.BUY)
    assert sorted(resting, key=lambda o: o.number) == sorted(naive.live, key=lambda o: o.number)
    _assert_in_priority(book)


def _assert_comes_back(book: Book, now: datetime) -> None:
    again = Book()
    for order in sorted(book.resting(Side.SELL) + book.resting(Side.BUY), key=lambda o: o.number):
        assert again.place(order, now) == []
    for side in Side:
        assert again.resting(side) == book.resting(side)
        assert again.best(side, now) == book.best(side, now)


def test_events_handed_over_together_come_to_the_same_as_one_after_another(chance: random.Random) -> None:
    orders, alone, together = Orders(), Book(), Book()
    events: list[SpotOrder | int] = []
    outcomes: list[object] = []
    for _ in range(2_000):
        if events and chance.random() < 0.3:
            number = chance.randint(1, len(events))
            events.append(number)
            try:
                outcomes.append(alone.cancel(number))
            except NotRestingError:
                outcomes.append(None)
            continue
        order = _choosy(orders(chance.choice("abcd"), chance.choice(list(Side)), chance.randint(1, 9), 10), chance)
        order = replace(order, limit=chance.randint(8, 12), post_only=False)
        events.append(order)
        outcomes.append(alone.place(order, NOW))
    found: list[object] = []
    while len(found) < len(events):
        first = len(found)
        found += together.apply(events[first : first + chance.randint(1, 300)], NOW)
    assert [list(one) if isinstance(one, tuple) else one for one in found] == outcomes
    for side in Side:
        assert together.resting(side) == alone.resting(side)


def test_what_came_before_a_refused_event_is_done(orders: Orders) -> None:
    book = Book()
    ask, bid = orders.sell("a", 10, 900), replace(orders.buy("b", 5, 900), post_only=True)
    with pytest.raises(WouldTradeError):
        book.apply([ask, bid, orders.buy("c", 10, 900)], NOW)
    assert book.resting(Side.SELL) == [ask]
    assert [fill.wh for fill in book.place(orders.buy("c", 4, 900), NOW)] == [4]

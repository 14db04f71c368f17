"""What one transaction does on the spot market: each order in turn, all of it written with few statements.

An order holds what it promises, fills move it, the rest goes back. Whatever refuses an order does so before the
book is changed; an error after that leaves the transaction to be undone as a whole (`is_halfway`).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from energy_swap_protocol.message import BuyOrder, CancelOrder, SellOrder
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.chain.payload import HouseholdTransaction
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.spot import SpotOrder
from energy_swap_hub.market.trade import Side
from energy_swap_hub.membership.households import Household, is_there

from .machine import schedule
from .refusals import (
    OrderRefused,
    cannot_cancel,
    check_may_sell,
    no_such_order,
    time_to_come,
    too_few_tokens,
    too_little_money,
    would_trade,
)
from .spot_book import Order, expired_orders
from .spot_trades import Met, SpotTrades
from .spot_transaction import BUYER, SALE, hold_name

type Wish = SellOrder | BuyOrder | CancelOrder


class SpotMarket(SpotTrades):
    """The rules of the spot market, for one transaction."""

    def __init__(self, connection: Connection, community: CommunityConfig, now: datetime) -> None:
        super().__init__(connection, community, now)
        self._sellers: dict[str, bool] = {}  # whether a household that was chosen is there

    def expect(self, wishes: Sequence[tuple[Household, Wish]]) -> None:
        """Read at once what these will need; without it each reads for itself."""
        accounts = {ledger.FEES, ledger.GRID, ledger.ROUNDING}
        cancels = []
        orders = bought_wh = best_limit = 0
        for household, wish in wishes:
            if isinstance(wish, CancelOrder):
                cancels.append(str(wish.order))
                continue
            orders += 1
            if isinstance(wish, BuyOrder):
                bought_wh, best_limit = bought_wh + wish.wh, max(best_limit, wish.at_most)
            accounts.update(of(household.id) for of in (BUYER if isinstance(wish, BuyOrder) else SALE))
        self._open.read_standings(
            self._connection, self._community.id, {household.id for household, _ in wishes}, self._now
        )
        self.read_orders(cancels)
        self._read_fills(cancels)
        self._expect_met(Side.SELL, bought_wh, best_limit, orders, [hold_name(c) for c in cancels], accounts)

    def has(self, order_id: str) -> bool:
        """Whether there is a spot order of this id, open or not."""
        return self._order(order_id) is not None

    def place_sell(
        self, household: Household, wish: SellOrder, lock: Callable[[], tuple[str, HouseholdTransaction]]
    ) -> Order:
        """Hold the tokens, ask the chain to lock them; raises `Overdrawn`, `OrderRefused`, what ``lock`` raises.

        ``lock`` gives what is asked of the chain: the household's transaction as the hub completed it.
        """
        check_may_sell(household)
        order = self._new_order(household, wish, Side.SELL, wish.at_least, "pending_lock")
        self._refuse_trading_post(order)
        with self._journal.attempt():
            try:
                self._hold(order, wish.wh, "spot sale")
            except Overdrawn as error:
                raise too_few_tokens(error, wish.wh) from None
            wanted = lock()
        self._intents.append(wanted)
        self._add(order)
        return order

    def place_buy(self, household: Household, wish: BuyOrder) -> Order:
        """Match at once, hold the money for the rest and let it rest; raises as `place_sell`.

        The wallet must have what the whole costs at the limit with fees. Only that much is ever spent or held.
        """
        order = self._new_order(household, wish, Side.BUY, wish.at_most, "open", wish.seller)
        self._refuse_trading_post(order)
        fees = self._tariff.fees_cents_per_kwh
        cents, account = cost_cents(wish.wh, wish.at_most + fees), ledger.kes(household.id)
        try:
            self._journal.require(account, cents)
        except Overdrawn as error:
            raise too_little_money(error, wish.wh, wish.at_most, fees) from None
        self._add(order)
        self._enter(order, cents)
        return order

    def lock_final(self, order_id: str, error: str | None) -> None:
        """The chain has the tokens in escrow: the sale enters the book. On an error it is refused."""
        order = self._order(order_id)
        if order is None or order.status != "pending_lock":
            return
        self._change(order)
        if error is not None:
            self._journal.close_hold(hold_name(order_id), at=self._now, text=f"the lock failed: {error}")
            order.status = "refused"
            self._tell_end(order, f"the lock failed: {error}")
            self._forget(order)
            return
        order.status, order.number = "open", self._open.last_number + 1
        self._open.last_number = order.number
        if order.valid_until is not None and order.valid_until <= self._now:
            self._end(order, "expired")
            return
        is_met = self._first_met(order.in_book()) is not None
        if is_met and order.post_only:
            self._end(order, "refused")
        else:
            if is_met:
                names = {ledger.FEES, ledger.GRID, ledger.ROUNDING, ledger.kes(order.household_id)}
                self._expect_met(Side.BUY, order.remaining_wh, order.limit, 50, [hold_name(order_id)], names)
            self._enter(order)
            if order.valid_until is not None:
                # What was due when it was placed may have been done while it still waited for its lock.
                schedule(self._connection, self._community.id, "orders", "expiry", order.valid_until)

    def cancel(self, household: Household, order_id: str) -> Order:
        """Take back the rest of an own open order; raises `OrderRefused` for any other."""
        order = self._order(order_id)
        if order is None or order.household_id != household.id:
            raise no_such_order(household.id, order_id)
        if order.status != "open":
            raise cannot_cancel(order_id, order.status)
        self._change(order)
        self._end(order, "cancelled")
        return order

    def expire(self) -> list[str]:
        """End the open orders whose time has passed and return the households they belong to."""
        expired = [self._order(i) for i in expired_orders(self._connection, self._community.id, self._now)]
        self._journal.expect(holds=[hold_name(order.id) for order in expired if order is not None])
        households = []
        for order in expired:
            if order is not None:
                self._change(order)
                self._end(order, "expired")
                households.append(order.household_id)
        return households

    def answer(self, order: Order) -> dict[str, Any]:
        """Return how an order stands and what it traded."""
        if order.id not in self._added:
            self._read_fills((order.id,))
        return order.answer((*self._earlier_fills.get(order.id, ()), *self._fills.get(order.id, ())))

    def _new_order(
        self,
        household: Household,
        wish: SellOrder | BuyOrder,
        side: Side,
        limit: int,
        status: str,
        seller: str | None = None,
    ) -> Order:
        if seller is not None:
            self._check_seller(household, seller)
        self._open.read_standings(self._connection, self._community.id, (household.id,), self._now)
        return Order(
            id=str(wish.id),
            number=self._open.last_number + 1,
            household_id=household.id,
            side=side,
            wh=wish.wh,
            remaining_wh=wish.wh,
            limit=limit,
            status=status,
            valid_until=(
                None if wish.valid_until is None else time_to_come("valid_until", wish.valid_until, self._now)
            ),
            placed_at=self._now,
            seller=seller,
            reputation=self._open.reputation(household.id),
            minimum_reputation=wish.minimum_reputation * 100,
            post_only=wish.post_only,
        )

    def _check_seller(self, household: Household, seller: str) -> None:
        if seller == household.id:
            text = f"seller: {seller} is your own household; name another one, or leave seller out"
            raise OrderRefused(text, "own_household")
        if seller not in self._sellers:
            self._sellers[seller] = is_there(self._connection, self._community.id, seller)
        if not self._sellers[seller]:
            raise OrderRefused(
                f"seller: there is no household {seller} in {self._community.id}; give the id of one (such as "
                f"{household.id}, which is yours), or leave seller out to buy from anybody",
                "no_such_household",
            )

    def _refuse_trading_post(self, order: Order) -> None:
        if order.post_only:
            wanted = order.in_book()
            met = self._first_met(wanted)
            if met is not None:
                raise would_trade(wanted, met)

    def _first_met(self, order: SpotOrder) -> SpotOrder | None:
        """Return the resting order that ``order`` would trade with first; None: with none."""
        return next(self._all_met(order), None)

    def _all_met(self, order: SpotOrder) -> Iterator[SpotOrder]:
        """Yield the resting orders that ``order`` would trade with, the first first, were there enough of it."""
        is_sale = order.side is Side.SELL
        for resting in self._open.book.best_first(Side.BUY if is_sale else Side.SELL):
            if (resting.limit < order.limit) if is_sale else (resting.limit > order.limit):
                break
            if resting.is_valid_at(self._now) and order.accepts(resting) and resting.accepts(order):
                yield resting

    def _enter(self, order: Order, budget: int = 0) -> None:
        """Match an open order; what is left of it rests in the book.

        A purchase may spend its ``budget`` of cents, and holds what is left of it while a part of it rests.
        """
        self.is_halfway = True
        fills = self._open.book.place(order.in_book(), self._now)
        self._open.enter(order)
        if fills:
            orders = self._open.orders
            budget -= self._trade(
                order, [Met(orders[fill.resting], fill.wh, fill.cents_per_kwh) for fill in fills], budget
            )
        if order.side is Side.BUY and order.remaining_wh:
            self._hold(order, budget, "spot purchase")
        self.is_halfway = False

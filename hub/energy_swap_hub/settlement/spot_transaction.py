"""What a transaction has read of the spot market, and what it will write: few statements however many orders."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.chain.directory import token_accounts
from energy_swap_hub.chain.intent import enqueue_all
from energy_swap_hub.chain.outbox import out_of_escrow
from energy_swap_hub.chain.payload import Payload
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Journal
from energy_swap_hub.market.fees import Tariff, tariff_at
from energy_swap_hub.market.trade import Side

from .machine import schedule
from .notifications import Notification, notify
from .settings import settings_at
from .spot_book import Order, find_orders, open_book, store
from .trades import Booked, fills_of, store_trades

type _Move = tuple[Literal["release", "refund"], str, str, int]  # what, reference, household, Wh


def hold_name(order_id: str) -> str:
    """Return the ledger's name of what an order holds."""
    return f"order:{order_id}"


# The accounts that a sale moves on coming, that a trade moves of its seller, and what either moves of a buyer.
SALE: Final = (ledger.ekwh, ledger.ekwh_held)
SELLER: Final = (ledger.kes, ledger.ekwh_held)
BUYER: Final = (ledger.kes, ledger.kes_held, ledger.ekwh)


class SpotTransaction:
    """The spot orders of one transaction at ``now``; nothing is in the database before `write`."""

    def __init__(self, connection: Connection, community: CommunityConfig, now: datetime) -> None:
        self.is_halfway = False
        self._connection = connection
        self._community = community
        self._now = now
        self._journal = Journal(connection, community.id)
        self._open = open_book(connection, community.id, now)
        self._is_changed = False
        self._known: dict[str, Order | None] = {}  # orders that are not open
        self._added: dict[str, Order] = {}
        self._changed: dict[str, Order] = {}
        self._fills: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)  # of this transaction, by order
        self._earlier_fills: dict[str, list[dict[str, Any]]] = {}
        self._trades: list[Booked] = []
        self._intents: list[_Move | tuple[str, Payload]] = []
        self._told: list[Notification] = []

    @cached_property
    def _tariffs(self) -> tuple[Tariff, ...]:
        """Return the tariffs of all times: read when there is something to pay, which a sale has not by itself."""
        return settings_at(self._connection, self._community, self._now).tariffs

    @cached_property
    def _tariff(self) -> Tariff:
        return tariff_at(self._tariffs, self._now)

    def read_orders(self, order_ids: Collection[str]) -> None:
        """Read at once the orders that are not open."""
        kept = self._open
        missing = [i for i in order_ids if not (i in self._known or i in kept.by_id)]
        if missing:
            found = find_orders(self._connection, self._community.id, missing)
            self._known.update((order_id, found.get(order_id)) for order_id in missing)

    def write(self) -> None:
        """Put all of it into the database's transaction."""
        self._journal.write()
        if not self._is_changed:
            return
        connection, community_id = self._connection, self._community.id
        store(connection, community_id, self._open, self._added.values(), self._changed.values())
        store_trades(connection, community_id, self._trades, self._now)
        households = {wish[2] for wish in self._intents if len(wish) == 4}
        accounts = token_accounts(connection, community_id, households) if households else {}
        wishes = [
            out_of_escrow(wish[0], wish[1], accounts[wish[2]], wish[3]) if len(wish) == 4 else wish
            for wish in self._intents
        ]
        enqueue_all(connection, community_id, wishes, self._now)
        notify(connection, community_id, self._told, self._now)
        times = [order.valid_until for order in self._added.values() if order.valid_until is not None]
        if times:
            schedule(connection, community_id, "orders", "expiry", min(times))
        for memory in (self._known, self._added, self._changed, self._fills, self._earlier_fills):
            memory.clear()
        self._trades.clear()
        self._intents.clear()
        self._told.clear()
        self._is_changed = False

    def _add(self, order: Order) -> None:
        self._touch()
        self._open.last_number = order.number
        self._added[order.id] = order
        if order.status == "pending_lock":
            self._open.by_id[order.id] = order

    def _change(self, order: Order) -> None:
        self._touch()
        if order.id not in self._added:
            self._changed[order.id] = order

    def _touch(self) -> None:
        if not self._is_changed:
            self._open.change()
            self._is_changed = True

    def _forget(self, order: Order) -> None:
        self._open.leave(order)
        self._known[order.id] = order

    def _order(self, order_id: str) -> Order | None:
        found = self._added.get(order_id) or self._open.by_id.get(order_id)
        if found is None:
            if order_id not in self._known:
                self.read_orders((order_id,))
            found = self._known.get(order_id)
        return found

    def _read_fills(self, order_ids: Collection[str]) -> None:
        missing = [i for i in order_ids if i not in self._earlier_fills]
        if missing:
            self._earlier_fills |= fills_of(self._connection, self._community.id, missing)

    def _expect_met(
        self, side: Side, wh: int, limit: int, most: int, holds: Sequence[str], accounts: set[str]
    ) -> None:
        """Read the holds and accounts of the orders that as many Wh would meet first, and those that are named."""
        wanted, orders = list(holds), self._open.orders
        sign, own = (1, SELLER) if side is Side.SELL else (-1, BUYER)
        for resting in self._open.book.best_first(side) if wh else ():
            if wh <= 0 or (resting.limit - limit) * sign > 0 or len(wanted) > most + 50:
                break
            wh -= resting.wh
            wanted.append(hold_name(orders[resting.number].id))
            accounts.update(account(resting.household) for account in own)
        self._journal.expect(holds=wanted, accounts=accounts)

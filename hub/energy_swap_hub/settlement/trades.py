"""Trades of held tokens against money: ledger entry, trade rows and the release from escrow, together."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, bindparam, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Entry, Journal, Posting
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.trade import Trade
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.storage import Lookup, insert_rows, is_in

from . import tables, tokens, totals

_TRADE: Final = (
    "community_id", "market", "reference", "seller", "buyer", "wh", "cents_per_kwh", "cents", "at",
    "sell_order", "buy_order",
)  # fmt: skip

FILL: Final = ("wh", "cents_per_kwh", "seller", "buyer")
"""What an answer tells of each trade of an order."""

_ROW: Final = tables.trade.c
_FILLS: Final = tuple(
    Lookup(
        select(order, _ROW.wh, _ROW.cents_per_kwh, _ROW.seller, _ROW.buyer)
        .where(_ROW.community_id == bindparam("community_id"), is_in(order, "order_ids"))
        .order_by(_ROW.id)
    )
    for order in (_ROW.sell_order, _ROW.buy_order)
)


class HeldTrade(NamedTuple):
    """A trade whose tokens lie in ``seller_hold`` and whose money lies in ``buyer_hold``.

    Who buys on coming to the market has held no money yet (None): it is taken from its wallet.
    The fees are those of ``tariff``, which was valid when the money was held: one that changes later must not ask
    for more than that.
    """

    trade: Trade
    cents_per_kwh: int
    seller_hold: str
    buyer_hold: str | None
    tariff: Tariff
    sell_order: str | None = None
    buy_order: str | None = None


class Booked(NamedTuple):
    """A trade that is in the ledger by the name of ``reference``, with the others of whoever came to the market.

    What its seller earned, and what its buyer paid with fees, in cents.
    """

    market: str
    reference: str
    held: HeldTrade
    earned_cents: int
    paid_cents: int


def all_in_cents(tariff: Tariff, wh: int, cents_per_kwh: int) -> int:
    """Return what a buyer pays for ``wh`` at this price with fees."""
    return cost_cents(wh, cents_per_kwh + tariff.fees_cents_per_kwh)


def book_held_trades(
    journal: Journal,
    market: str,
    reference: str,
    trades: Sequence[HeldTrade],
    now: datetime,
    *,
    budget: int = 0,
    is_new: bool = False,
) -> list[Booked]:
    """Move money and tokens of what somebody traded at once, as one entry; the holds make it possible only once.

    ``reference`` names it and is used once in its ``market``. Who pays from the wallet pays at most ``budget``
    cents for all. ``is_new`` as in `Journal.post`.
    """
    moved: defaultdict[str, int] = defaultdict(int)
    booked = []
    for held in trades:
        (seller, buyer, wh), price, tariff = _parties(held.trade), held.cents_per_kwh, held.tariff
        # As `fees.bill` does for one trade: each amount is rounded once.
        earned = cost_cents(wh, price)
        community_fee = cost_cents(wh, tariff.community_fee_cents_per_kwh)
        grid_fee = cost_cents(wh, tariff.grid_fee_cents_per_kwh)
        # Fills in many parts can round to a cent more than was held for the whole: the rounding account bears it.
        due = cost_cents(wh, price + tariff.fees_cents_per_kwh)
        if held.buyer_hold is None:
            paid = min(due, budget)
            budget -= paid
            moved[ledger.kes(buyer)] -= paid
        else:
            paid = min(due, journal.hold_remaining(held.buyer_hold))
            account, amount = journal.spend_hold(held.buyer_hold, paid)
            moved[account] += amount
        account, amount = journal.spend_hold(held.seller_hold, wh)
        moved[account] += amount
        moved[ledger.kes(seller)] += earned
        moved[ledger.FEES] += community_fee
        moved[ledger.GRID] += grid_fee
        moved[ledger.ROUNDING] += paid - earned - community_fee - grid_fee
        moved[ledger.ekwh(buyer)] += wh
        booked.append(Booked(market, reference, held, earned, paid))
    postings = [Posting(account, amount) for account, amount in moved.items()]
    journal.post(Entry(market, reference, now, _in_words(market, trades), postings), is_new=is_new)
    return booked


def _parties(trade: Trade) -> tuple[str, str, int]:
    seller, buyer, wh = trade.seller, trade.buyer, trade.wh
    if seller == buyer or wh <= 0:
        raise ValueError(f"a trade moves at least 1 Wh between two households: {trade}")
    return seller, buyer, wh


def _in_words(market: str, trades: Sequence[HeldTrade]) -> str:
    if len(trades) == 1:
        trade = trades[0].trade
        return f"{market}: {trade.wh} Wh from {trade.seller} to {trade.buyer}"
    sellers = ", ".join(dict.fromkeys(held.trade.seller for held in trades))
    buyers = ", ".join(dict.fromkeys(held.trade.buyer for held in trades))
    return f"{market}: {sum(held.trade.wh for held in trades)} Wh from {sellers} to {buyers}"


def store_trades(connection: Connection, community_id: str, booked: Sequence[Booked], now: datetime) -> None:
    """Store booked trades, in their order, and what they add to their households' totals."""
    rows: list[Sequence[Any]] = []
    sold: dict[str, tuple[int, int]] = {}  # Wh and cents, by household
    bought: dict[str, tuple[int, int]] = {}
    for market, reference, held, earned, paid in booked:
        seller, buyer, wh = held.trade.seller, held.trade.buyer, held.trade.wh
        row = (community_id, market, reference, seller, buyer, wh, held.cents_per_kwh, earned, now)
        rows.append((*row, held.sell_order, held.buy_order))
        before_wh, before = sold.get(seller, (0, 0))
        sold[seller] = (before_wh + wh, before + earned)
        before_wh, before = bought.get(buyer, (0, 0))
        bought[buyer] = (before_wh + wh, before + paid)
    insert_rows(connection, tables.trade, _TRADE, rows)
    changes = [totals.Change(name, sold_wh=wh, earned_cents=cents) for name, (wh, cents) in sold.items()]
    changes += [totals.Change(name, bought_wh=wh, spent_cents=cents) for name, (wh, cents) in bought.items()]
    totals.add(connection, community_id, changes)


def fills_of(
    connection: Connection, community_id: str, order_ids: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return what spot orders traded, by order and in order, as answers tell it."""
    fills: dict[str, list[dict[str, Any]]] = {order_id: [] for order_id in order_ids}
    for of_orders in _FILLS:
        for order_id, *fill in of_orders.all(connection, community_id=community_id, order_ids=order_ids):
            fills[order_id].append(dict(zip(FILL, fill, strict=True)))
    return fills


def settle_held_trade(
    connection: Connection, community: CommunityConfig, market: str, reference: str, held: HeldTrade, now: datetime
) -> None:
    """Move money and tokens of one trade, store it and ask for the release from escrow, at once."""
    journal = Journal(connection, community.id)
    booked = book_held_trades(journal, market, reference, (held,), now)
    journal.write()
    store_trades(connection, community.id, booked, now)
    buyer = by_id(connection, community.id, held.trade.buyer)
    tokens.release(connection, community.id, reference, tokens.Move(buyer, held.trade.wh), now)

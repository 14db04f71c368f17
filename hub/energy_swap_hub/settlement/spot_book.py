"""The community's open spot orders, kept in memory from one transaction to the next beside the connection.

A transaction that changes an order gives the book a new random stamp, in memory and in the database. So a book
whose transaction was undone, or that another hub changed meanwhile, is known by its stamp and read anew.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from energy_swap_hub.market.spot import Book, SpotOrder
from energy_swap_hub.market.trade import Side
from energy_swap_hub.storage import Lookup, change_rows, find_row, insert_rows, is_in, put_rows

from .reputation import Facts, facts_of, reputation
from .spot_tables import IS_OPEN, spot_book, spot_order

# What happens outside the spot market, and what is forgotten, counts from then on.
_FACTS_HOLD: Final = timedelta(minutes=10)
_ENDED: Final = ("filled", "cancelled", "expired")  # as far as reputation counts them


@dataclass(slots=True)
class Order:
    """A spot order as it is stored; amounts in Wh, the limit in cents per kWh, reputations in basis points."""

    id: str
    number: int
    household_id: str
    side: Side
    wh: int
    remaining_wh: int
    limit: int
    status: str
    valid_until: datetime | None
    placed_at: datetime
    seller: str | None = None
    reputation: int = 0
    minimum_reputation: int = 0
    post_only: bool = False
    reserved_wh: int = 0

    def answer(self, fills: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return how the order stands and what it traded, as its household is told."""
        return {
            "order": self.id,
            "status": self.status,
            "filled_wh": self.wh - self.remaining_wh,
            "remaining_wh": self.remaining_wh,
            "trades": list(fills),
        }

    def in_book(self) -> SpotOrder:
        """Return the order as the book knows it, with what is left of it."""
        return SpotOrder(
            number=self.number,
            household=self.household_id,
            side=self.side,
            wh=self.remaining_wh,
            limit=self.limit,
            valid_until=self.valid_until,
            seller=self.seller,
            reputation=self.reputation,
            minimum_reputation=self.minimum_reputation,
            post_only=self.post_only,
        )


_FIELDS: Final = tuple(f.name for f in fields(Order))
_COLUMNS: Final = tuple(spot_order.c[name] for name in _FIELDS)
_BY_ID: Final = Lookup(
    select(*_COLUMNS).where(
        spot_order.c.community_id == bindparam("community_id"), is_in(spot_order.c.id, "order_ids")
    )
)
_CHANGING: Final = ("number", "remaining_wh", "reserved_wh", "status")


@dataclass(slots=True)
class _Standing:
    read_at: datetime
    facts: Facts
    ended: int = 0  # since then
    cancelled: int = 0
    basis_points: int | None = None  # none: not computed from the facts yet


@dataclass(slots=True)
class OpenBook:
    """The open orders, by their number in the `Book` that matches them, and the reputation of who places orders.

    ``stamp`` is that of the transaction whose orders these are. ``by_id`` has them too, and the sales that were
    placed since it was read and wait for their lock.
    """

    stamp: int
    last_number: int
    book: Book = field(default_factory=Book)
    orders: dict[int, Order] = field(default_factory=dict)
    by_id: dict[str, Order] = field(default_factory=dict)
    _standings: dict[str, _Standing] = field(default_factory=dict)
    _scores: dict[tuple[Facts, int, int], int] = field(default_factory=dict)

    def change(self) -> None:
        """Say that this transaction changes orders; call it before the first change."""
        self.stamp = secrets.randbits(62)

    def read_standings(
        self, connection: Connection, community_id: str, households: Collection[str], now: datetime
    ) -> None:
        """Read what the reputation of these households follows from, where it is not known or old."""
        asked = {
            h for h in households if h not in self._standings or now - self._standings[h].read_at >= _FACTS_HOLD
        }
        if not asked:
            return
        found = facts_of(connection, community_id, now, asked)
        for household in asked:
            self._standings[household] = _Standing(now, found.get(household, Facts()))

    def reputation(self, household: str) -> int:
        """Return the basis points of a household whose standing was read."""
        standing = self._standings[household]
        if standing.basis_points is None:
            facts, ended, cancelled = known = standing.facts, standing.ended, standing.cancelled
            if known not in self._scores:
                ended, cancelled = facts.ended + ended, facts.cancelled + cancelled
                self._scores[known] = reputation(replace(facts, ended=ended, cancelled=cancelled)).basis_points
            standing.basis_points = self._scores[known]
        return standing.basis_points

    def enter(self, order: Order) -> None:
        """Count an order among the open ones."""
        self.orders[order.number] = self.by_id[order.id] = order

    def leave(self, order: Order) -> None:
        """Take an order that is not open any more from them, and count its end among its household's facts."""
        self.orders.pop(order.number, None)
        self.by_id.pop(order.id, None)
        standing = self._standings.get(order.household_id)
        if standing is None or order.status not in _ENDED:
            return
        standing.ended += 1
        standing.cancelled += order.status == "cancelled"
        standing.basis_points = None


def open_book(connection: Connection, community_id: str, now: datetime) -> OpenBook:
    """Return the community's open orders as this transaction finds them.

    An order whose time had passed when the book was read is among the orders and not in the book.
    """
    found = find_row(connection, spot_book, ("community_id",), ("stamp", "last_number"), (community_id,))
    stamp, last_number = found or (0, 0)
    kept: OpenBook | None = connection.info.get(_place(community_id))
    if kept is None or kept.stamp != stamp:
        kept = connection.info[_place(community_id)] = _read(connection, community_id, stamp, last_number, now)
    return kept


def forget_book(connection: Connection, community_id: str) -> None:
    """Have the next transaction read the open orders anew."""
    connection.info.pop(_place(community_id), None)


def find_orders(connection: Connection, community_id: str, order_ids: Collection[str]) -> dict[str, Order]:
    """Return the orders as stored, by id, open or not; those that are not there are left out."""
    rows = _BY_ID.mappings(connection, community_id=community_id, order_ids=order_ids)
    return {row["id"]: _order(row) for row in rows}


def expired_orders(connection: Connection, community_id: str, now: datetime) -> list[str]:
    """Return the ids of the open orders whose time has passed, in the order of the book."""
    row = spot_order.c
    query = (
        select(row.id)
        .where(row.community_id == community_id, IS_OPEN, row.valid_until <= now)
        .order_by(row.number)
    )
    return list(connection.execute(query).scalars())


def store(
    connection: Connection, community_id: str, kept: OpenBook, added: Collection[Order], changed: Collection[Order]
) -> None:
    """Write new orders, what changed of others, and the book's stamp."""
    insert_rows(
        connection,
        spot_order,
        ("community_id", *_FIELDS),
        [
            (
                community_id, o.id, o.number, o.household_id, o.side.value, o.wh, o.remaining_wh, o.limit,
                o.status, o.valid_until, o.placed_at, o.seller, o.reputation, o.minimum_reputation,
                int(o.post_only), o.reserved_wh,
            )
            for o in added
        ],
    )  # fmt: skip
    change_rows(
        connection,
        spot_order,
        ("community_id", "id"),
        _CHANGING,
        [(o.number, o.remaining_wh, o.reserved_wh, o.status, community_id, o.id) for o in changed],
    )
    put_rows(
        connection,
        spot_book,
        ("community_id", "stamp", "last_number"),
        [(community_id, kept.stamp, kept.last_number)],
    )


def _place(community_id: str) -> str:
    return f"spot book of {community_id}"


def _read(connection: Connection, community_id: str, stamp: int, last_number: int, now: datetime) -> OpenBook:
    kept = OpenBook(stamp, last_number)
    query = (
        select(*_COLUMNS).where(spot_order.c.community_id == community_id, IS_OPEN).order_by(spot_order.c.number)
    )
    for row in connection.execute(query).mappings():
        order = _order(row)
        resting = order.in_book()
        kept.enter(order)
        if resting.is_valid_at(now):
            fills = kept.book.place(resting, now)
            assert not fills, "what rests has met all that rested before it"
    return kept


def _order(row: Mapping[Any, Any]) -> Order:
    values = dict(row)
    return Order(**values | {"side": Side(values["side"]), "post_only": bool(values["post_only"])})

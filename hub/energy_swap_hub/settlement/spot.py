"""The spot market for who does one thing at a time: place, cancel and expire orders, and look at them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from energy_swap_protocol.message import BuyOrder
from sqlalchemy import Connection

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.spot import Book
from energy_swap_hub.membership.households import Household

from .refusals import OrderRefused, time_to_come
from .spot_book import find_orders, open_book
from .spot_market import SpotMarket
from .spot_transaction import hold_name
from .trades import fills_of

__all__ = [
    "OrderRefused",
    "book",
    "cancel",
    "expire_orders",
    "hold_name",
    "locks_final",
    "order_answer",
    "place_buy",
    "time_to_come",
]


def place_buy(
    connection: Connection, community: CommunityConfig, household: Household, order: BuyOrder, now: datetime
) -> None:
    """Hold the money with fees, match at once, let the rest rest; raises `OrderRefused`, `Overdrawn`."""
    market = SpotMarket(connection, community, now)
    market.place_buy(household, order)
    market.write()


def locks_final(
    connection: Connection, community: CommunityConfig, errors: Mapping[str, str | None], now: datetime
) -> None:
    """The chain has the tokens of these sell orders in escrow: each enters the book. On an error it is refused."""
    if not errors:
        return
    market = SpotMarket(connection, community, now)
    market.read_orders(errors)
    for order_id, error in errors.items():
        market.lock_final(order_id, error)
    market.write()


def cancel(
    connection: Connection, community: CommunityConfig, household: Household, order_id: str, now: datetime
) -> int:
    """Take back the rest of an own open order and return it in Wh; raises `OrderRefused` for any other."""
    market = SpotMarket(connection, community, now)
    order = market.cancel(household, order_id)
    market.write()
    return order.remaining_wh


def expire_orders(connection: Connection, community: CommunityConfig, now: datetime) -> list[str]:
    """End the open orders whose time has passed and return the households they belong to."""
    market = SpotMarket(connection, community, now)
    households = market.expire()
    market.write()
    return households


def order_answer(connection: Connection, community_id: str, order_id: str) -> dict[str, Any]:
    """Return how an order stands and what it traded; the order must be there."""
    order = find_orders(connection, community_id, (order_id,))[order_id]
    return order.answer(fills_of(connection, community_id, (order_id,))[order_id])


def book(connection: Connection, community_id: str, now: datetime) -> Book:
    """Return the community's open orders as a book, to look at only."""
    return open_book(connection, community_id, now).book

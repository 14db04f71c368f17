"""Spot orders with their money and tokens: an order holds what it promises, fills move it, the rest goes back."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from energy_swap_protocol.message import BuyOrder, SellOrder
from sqlalchemy import Connection, func, insert, select, update

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.spot import Book, Fill, SpotOrder
from energy_swap_hub.market.trade import Side, Trade
from energy_swap_hub.membership.households import Household, by_id

from . import tokens
from .machine import schedule
from .tables import spot_order
from .trades import HeldTrade, all_in_cents, settle_held_trade

_LONGEST_SECONDS: Final = 366 * 86_400


class OrderRefused(ValueError):  # noqa: N818 - reads as the answer it is
    """An order cannot be taken; the text says which limit and what would be accepted."""


def hold_name(order_id: str) -> str:
    """Return the ledger's name of what an order holds."""
    return f"order:{order_id}"


def place_sell(
    connection: Connection, community: CommunityConfig, household: Household, order: SellOrder, now: datetime
) -> None:
    """Hold the tokens and wait for the chain to confirm the lock; raises `Overdrawn` or `OrderRefused`."""
    order_id = str(order.id)
    valid_until = _valid_until(order.valid_until, now)
    account = ledger.ekwh(household.id)
    ledger.hold(connection, community.id, hold_name(order_id), account, order.wh, at=now, text="spot sale")
    _add(
        connection,
        community.id,
        household,
        order_id=order_id,
        side=Side.SELL,
        wh=order.wh,
        limit=order.at_least,
        valid_until=valid_until,
        status="pending_lock",
        now=now,
    )


def place_buy(
    connection: Connection, community: CommunityConfig, household: Household, order: BuyOrder, now: datetime
) -> None:
    """Hold the money at the limit with fees, match at once, let the rest rest."""
    order_id = str(order.id)
    valid_until = _valid_until(order.valid_until, now)
    cents = all_in_cents(community, order.wh, order.at_most, now)
    account = ledger.kes(household.id)
    ledger.hold(connection, community.id, hold_name(order_id), account, cents, at=now, text="spot purchase")
    _add(
        connection,
        community.id,
        household,
        order_id=order_id,
        side=Side.BUY,
        wh=order.wh,
        limit=order.at_most,
        valid_until=valid_until,
        status="open",
        now=now,
    )
    _match(connection, community, order_id, now)


def lock_final(
    connection: Connection, community: CommunityConfig, order_id: str, error: str | None, now: datetime
) -> None:
    """The chain has the tokens in escrow: the sell order enters the book. On an error it is refused."""
    if _status(connection, community.id, order_id) != "pending_lock":
        return
    if error is not None:
        ledger.close_hold(connection, community.id, hold_name(order_id), at=now, text=f"the lock failed: {error}")
        _update(connection, community.id, order_id, status="refused")
        return
    _update(connection, community.id, order_id, status="open", number=_next_number(connection, community.id))
    _match(connection, community, order_id, now)


def cancel(
    connection: Connection, community: CommunityConfig, household: Household, order_id: str, now: datetime
) -> int:
    """Take back the rest of an own open order and return it in Wh; raises `OrderRefused` for any other."""
    row = order_row(connection, community.id, order_id)
    if row is None or row["household_id"] != household.id:
        raise OrderRefused(f"{household.id} has no order {order_id}")
    if row["status"] != "open":
        raise OrderRefused(f"order {order_id} is {row['status']}; only an open order can be cancelled")
    return _end(connection, community, order_id, "cancelled", now)


def expire_orders(connection: Connection, community: CommunityConfig, now: datetime) -> list[str]:
    """End the open orders whose time has passed and return the households they belong to."""
    query = select(spot_order.c.id, spot_order.c.household_id).where(
        spot_order.c.community_id == community.id,
        spot_order.c.status == "open",
        spot_order.c.valid_until <= now,
    )
    expired = connection.execute(query).all()
    for order_id, _ in expired:
        _end(connection, community, order_id, "expired", now)
    return [household_id for _, household_id in expired]


def order_row(connection: Connection, community_id: str, order_id: str) -> dict[str, Any] | None:
    """Return an order as stored."""
    query = select(spot_order).where(spot_order.c.community_id == community_id, spot_order.c.id == order_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def book(connection: Connection, community_id: str, *, without: str | None = None) -> Book:
    """Return the community's open orders as a book."""
    query = (
        select(spot_order)
        .where(spot_order.c.community_id == community_id, spot_order.c.status == "open")
        .order_by(spot_order.c.number)
    )
    resting = Book()
    for row in connection.execute(query).mappings():
        if row["id"] != without:
            order = _spot_order(dict(row))
            # What rests was matched before; a time of its own placing cannot have expired.
            resting.place(order, row["placed_at"])
    return resting


def _spot_order(row: dict[str, Any]) -> SpotOrder:
    return SpotOrder(
        id=UUID(row["id"]),
        household=row["household_id"],
        side=Side(row["side"]),
        wh=row["remaining_wh"],
        limit=row["limit"],
        number=row["number"],
        valid_until=row["valid_until"],
    )


def _match(connection: Connection, community: CommunityConfig, order_id: str, now: datetime) -> None:
    row = order_row(connection, community.id, order_id)
    assert row is not None
    order = _spot_order(row)
    if not order.is_valid_at(now):
        _end(connection, community, order_id, "expired", now)
        return
    for fill in book(connection, community.id, without=order_id).place(order, now):
        _settle(connection, community, fill, order.side, now)


def _settle(
    connection: Connection, community: CommunityConfig, fill: Fill, taker_side: Side, now: datetime
) -> None:
    sell_id, buy_id = (
        (str(fill.taker), str(fill.resting)) if taker_side is Side.SELL else (str(fill.resting), str(fill.taker))
    )
    bought = order_row(connection, community.id, buy_id)
    assert bought is not None
    held = HeldTrade(
        "spot",
        f"{fill.taker}/{fill.resting}",
        Trade(fill.seller, fill.buyer, fill.wh),
        fill.cents_per_kwh,
        hold_name(sell_id),
        hold_name(buy_id),
        bought["placed_at"],
    )
    settle_held_trade(connection, community, held, now)
    for filled_id in (sell_id, buy_id):
        row = order_row(connection, community.id, filled_id)
        assert row is not None
        left = row["remaining_wh"] - fill.wh
        _update(connection, community.id, filled_id, remaining_wh=left)
        if not left:
            _update(connection, community.id, filled_id, status="filled")
            ledger.close_hold(
                connection, community.id, hold_name(filled_id), at=now, text="bought below the limit"
            )


def _end(connection: Connection, community: CommunityConfig, order_id: str, status: str, now: datetime) -> int:
    row = order_row(connection, community.id, order_id)
    assert row is not None
    ledger.close_hold(connection, community.id, hold_name(order_id), at=now, text=f"order {status}")
    if row["side"] == Side.SELL and row["remaining_wh"]:
        seller = by_id(connection, community.id, row["household_id"])
        tokens.refund(connection, community.id, order_id, tokens.Move(seller, row["remaining_wh"]), now)
    _update(connection, community.id, order_id, status=status)
    return int(row["remaining_wh"])


def time_to_come(name: str, seconds: int, now: datetime) -> datetime:
    """Return the time of a message's field; raises `OrderRefused` when it has passed or is over a year away."""
    unix_now = int(now.timestamp())
    if seconds <= unix_now:
        raise OrderRefused(f"{name} {seconds} has passed; the hub's time is {unix_now}")
    if seconds > unix_now + _LONGEST_SECONDS:
        raise OrderRefused(f"{name} {seconds} is more than a year away; give Unix seconds below that")
    return datetime.fromtimestamp(seconds, UTC)


def _valid_until(seconds: int | None, now: datetime) -> datetime | None:
    return None if seconds is None else time_to_come("valid_until", seconds, now)


def _add(
    connection: Connection,
    community_id: str,
    household: Household,
    *,
    order_id: str,
    side: Side,
    wh: int,
    limit: int,
    valid_until: datetime | None,
    status: str,
    now: datetime,
) -> None:
    connection.execute(
        insert(spot_order).values(
            community_id=community_id,
            id=order_id,
            number=_next_number(connection, community_id),
            household_id=household.id,
            side=side.value,
            wh=wh,
            remaining_wh=wh,
            limit=limit,
            status=status,
            valid_until=valid_until,
            placed_at=now,
        )
    )
    if valid_until is not None:
        schedule(connection, community_id, "orders", "expiry", valid_until)


def _next_number(connection: Connection, community_id: str) -> int:
    query = select(func.max(spot_order.c.number)).where(spot_order.c.community_id == community_id)
    return (connection.execute(query).scalar() or 0) + 1


def _status(connection: Connection, community_id: str, order_id: str) -> str | None:
    row = order_row(connection, community_id, order_id)
    return None if row is None else str(row["status"])


def _update(connection: Connection, community_id: str, order_id: str, **values: object) -> None:
    connection.execute(
        update(spot_order)
        .where(spot_order.c.community_id == community_id, spot_order.c.id == order_id)
        .values(**values)
    )

"""What the console shows of the markets: periods, trades, the open book, auctions."""

from datetime import datetime
from typing import Any, cast

from energy_swap_protocol.period import PeriodCalendar, period_id
from sqlalchemy import Connection, select

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.trade import Side
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.settings import calendar_of, rules
from energy_swap_hub.settlement.spot import book

from .ahead_view import ahead_market
from .answers import (
    AuctionRow,
    BookLine,
    Flow,
    MarketPage,
    PeriodDetail,
    PeriodOrder,
    PeriodRow,
    Periods,
    TradeRow,
    Trades,
    TrueUp,
)
from .paging import Page, rows_of


def periods(connection: Connection, community: CommunityConfig, page: Page, before: str | None = None) -> Periods:
    """Return a page of the periods, newest first: those before the one named ``before``.

    Raises ValueError when ``before`` names none.
    """
    row, calendar = tables.period.c, calendar_of(connection, community)
    query = select(tables.period).where(row.community_id == community.id)
    if before is not None:
        query = query.where(row.start < calendar.named(before).start)
    found, total = rows_of(connection, query, row.start, page)
    return {"periods": [period_row(dict(one), calendar) for one in found], "total": total}


def period_detail(connection: Connection, community: CommunityConfig, name: str) -> PeriodDetail:
    """Return one period with its orders, trades and true-ups; raises `LookupError` when it is not booked."""
    calendar = calendar_of(connection, community)
    try:
        start = calendar.named(name).start
    except ValueError as error:
        raise LookupError(str(error)) from None
    row = tables.period.c
    found = (
        connection.execute(select(tables.period).where(row.community_id == community.id, row.start == start))
        .mappings()
        .first()
    )
    if found is None:
        raise LookupError(f"period {name} is not booked")
    stand = tables.position.c
    orders = connection.execute(
        select(stand.household_id.label("household"), stand.side, stand.order_wh.label("wh"), stand.limit)
        .where(stand.community_id == community.id, stand.start == start, stand.side.is_not(None))
        .order_by(stand.household_id)
    ).mappings()
    return {
        **period_row(dict(found), calendar),
        "orders": [cast("PeriodOrder", dict(order)) for order in orders],
        "trades": flows(connection, community, start),
        "true_ups": _true_ups(connection, community.id, start),
    }


def _true_ups(connection: Connection, community_id: str, start: datetime) -> list[TrueUp]:
    """Return the late energy of a period, in the order it was booked."""
    row = tables.true_up.c
    shown = ("export_wh", "import_wh", "minted_wh", "burned_wh", "grid_wh", "booked_at")
    query = (
        select(row.household_id.label("household"), *(row[name] for name in shown))
        .where(row.community_id == community_id, row.start == start)
        .order_by(row.booked_at, row.household_id, row.epoch, row.sequence_to)
    )
    return [
        cast("TrueUp", {**found, "booked_at": int(found["booked_at"].timestamp())})
        for found in connection.execute(query).mappings()
    ]


def trades(connection: Connection, community_id: str, page: Page) -> Trades:
    """Return a page of the trades of all markets, newest first."""
    row = tables.trade.c
    found, total = rows_of(connection, select(tables.trade).where(row.community_id == community_id), row.id, page)
    shown = ("id", "market", "reference", "seller", "buyer", "wh", "cents_per_kwh", "cents")
    rows = [
        cast("TradeRow", {**{name: one[name] for name in shown}, "at": int(one["at"].timestamp())})
        for one in found
    ]
    return {"trades": rows, "next": page.following([row["id"] for row in rows]), "total": total}


def market(connection: Connection, community: CommunityConfig, now: datetime) -> MarketPage:
    """Return the open book, all auctions, and what is traded ahead."""
    open_book = book(connection, community.id, now)

    def lines(side: Side) -> list[BookLine]:
        return [{"cents_per_kwh": o.limit, "wh": o.wh, "household": o.household} for o in open_book.resting(side)]

    row = tables.auction.c
    query = select(tables.auction).where(row.community_id == community.id).order_by(row.ends_at.desc()).limit(50)
    auctions: list[AuctionRow] = [
        {
            "id": found["id"],
            "seller": found["seller"],
            "wh": found["wh"],
            "start_price": found["start_price"],
            "minimum_step": found["minimum_step"],
            "best_bid": found["best_bid"],
            "leader": found["leader"],
            "ends_at": int(found["ends_at"].timestamp()),
            "state": found["status"],
        }
        for found in connection.execute(query).mappings()
    ]
    return {
        "book": {"sell": lines(Side.SELL), "buy": lines(Side.BUY)},
        "auctions": auctions,
        "ahead": ahead_market(connection, rules(connection, community)),
    }


def last_period(connection: Connection, community_id: str) -> dict[str, Any] | None:
    """Return the newest booked period as stored."""
    row = tables.period.c
    query = select(tables.period).where(row.community_id == community_id).order_by(row.start.desc()).limit(1)
    found = connection.execute(query).mappings().first()
    return None if found is None else dict(found)


def period_row(row: dict[str, Any], calendar: PeriodCalendar) -> PeriodRow:
    """Return a stored period as the console shows it."""
    return {
        "period": period_id(row["start"]),
        "minutes": calendar.starting(row["start"]).minutes,
        "state": row["state"],
        "cents_per_kwh": row["cents_per_kwh"],
        "supply_wh": row["supply_wh"],
        "demand_wh": row["demand_wh"],
        "traded_wh": row["traded_wh"],
        "settled_at": None if row["settled_at"] is None else int(row["settled_at"].timestamp()),
    }


def flows(connection: Connection, community: CommunityConfig, start: datetime) -> list[Flow]:
    """Return who sold how much to whom in a period, and in which market: ahead, partner or period."""
    row = tables.trade.c
    query = select(row.market, row.seller, row.buyer, row.wh, row.cents_per_kwh, row.cents).where(
        row.community_id == community.id,
        row.market.in_(("ahead", "partner", "period")),
        row.reference == period_id(start),
        tables.NOT_SPOT,
    )
    return [cast("Flow", dict(found)) for found in connection.execute(query.order_by(row.id)).mappings()]

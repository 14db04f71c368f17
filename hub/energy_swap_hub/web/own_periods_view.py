"""What a household keeps as its own history: its settled periods with their money, and the prices of all."""

from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from aiohttp import web
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, func, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.trade import Side
from energy_swap_hub.settlement import tables
from energy_swap_hub.settlement.ahead_tables import ahead_line
from energy_swap_hub.settlement.settings import calendar_of, tariff_of
from energy_swap_hub.settlement.spot import book

from .route import Query

SPAN: Final = (
    Query("from", "the first second of the span, Unix time", int),
    Query("to", "the second after its last one; at most 32 days later", int),
)
_MOST_DAYS: Final = 32
_LAST_SECOND: Final = 4_102_444_800  # the year 2100
_TRADES: Final = 200
_COUNTED: Final = ("export_wh", "import_wh", "generation_wh")
_BOOKED: Final = ("sold_wh", "bought_wh", "own_wh", "earned_cents", "paid_cents", "grid_wh", "grid_cents")
_LATE: Final = (*_COUNTED, "minted_wh", "burned_wh", "grid_wh")


def asked_span(request: web.Request) -> tuple[datetime, datetime]:
    """Return the times ``from`` (included) and ``to`` (not) of a request, in Unix seconds there."""
    since, until = (_second(request, name) for name in ("from", "to"))
    if not since < until <= since + _MOST_DAYS * 86_400:
        raise web.HTTPBadRequest(reason=f"from comes before to, at most {_MOST_DAYS} days")
    return datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)


def _second(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    if not (text.isdecimal() and len(text) < 12 and int(text) <= _LAST_SECOND):
        raise web.HTTPBadRequest(reason=f"{name} is a time in whole Unix seconds, like 1795165200")
    return int(text)


def price_rows(
    connection: Connection, community: CommunityConfig, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return the booked periods that start in ``[since, until)``, oldest first, as every member may see them."""
    calendar = calendar_of(connection, community)
    row = tables.period.c
    query = (
        select(row.start, row.cents_per_kwh, row.traded_wh, row.supply_wh, row.demand_wh)
        .where(row.community_id == community.id, row.start >= since, row.start < until)
        .order_by(row.start)
    )
    return [
        {**found, "start": int(found["start"].timestamp()), "minutes": calendar.starting(found["start"]).minutes}
        for found in connection.execute(query).mappings()
    ]


def own_periods(
    connection: Connection, community: CommunityConfig, household_id: str, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return a household's booked periods that start in ``[since, until)``, oldest first.

    What was traded ahead is in them, and so is late energy: ``revision`` says how often a period was trued up.
    Of what was exported, ``minted_wh`` became tokens; of what was imported, ``bought_wh`` and ``own_wh`` used
    tokens up. The utility took and delivered the rest.
    """
    stand, line, late = tables.position.c, ahead_line.c, tables.true_up.c
    calendar = calendar_of(connection, community)
    where = (stand.community_id == community.id, stand.household_id == household_id)
    positions = connection.execute(
        select(tables.position).where(*where, stand.start >= since, stand.start < until).order_by(stand.start)
    ).mappings()
    ahead = {
        found["start"]: found
        for found in connection.execute(
            select(ahead_line).where(
                line.community_id == community.id,
                line.household_id == household_id,
                line.start >= since,
                line.start < until,
            )
        ).mappings()
    }
    sums = [func.sum(late[name]).label(name) for name in _LATE]
    trued_up = {
        found["start"]: found
        for found in connection.execute(
            select(late.start, func.count().label("times"), *sums)
            .where(
                late.community_id == community.id,
                late.household_id == household_id,
                late.start >= since,
                late.start < until,
            )
            .group_by(late.start)
        ).mappings()
    }
    rows = {}
    for found in positions:
        start = found["start"]
        rows[start] = {name: found[name] for name in (*_COUNTED, *_BOOKED)}
        rows[start]["minted_wh"] = max(found["export_wh"] - found["import_wh"], 0) - max(found["grid_wh"], 0)
        if start in ahead:
            _add_ahead(rows[start], dict(ahead[start]))
    for start, found in trued_up.items():
        # A household can have late energy in a period in which it had no position.
        row = rows.setdefault(start, dict.fromkeys((*_COUNTED, *_BOOKED, "minted_wh"), 0))
        _add_late(row, {name: int(found[name]) for name in _LATE}, tariff_of(connection, community, start))
    return [
        {
            "start": int(start.timestamp()),
            "minutes": calendar.starting(start).minutes,
            **rows[start],
            "revision": int(trued_up[start]["times"]) if start in trued_up else 0,
        }
        for start in sorted(rows)
    ]


def _add_ahead(row: dict[str, Any], line: dict[str, Any]) -> None:
    is_seller = line["side"] == Side.SELL
    row["sold_wh" if is_seller else "bought_wh"] += line["delivered_wh"]
    row["earned_cents"] += line["earned_cents"] + max(line["difference_cents"], 0)
    row["paid_cents"] += line["paid_cents"] + max(-line["difference_cents"], 0)


def _add_late(row: dict[str, Any], late: dict[str, int], tariff: Tariff) -> None:
    """Add what late energy came to; what tokens did not cover the utility bills by the tariff of that time."""
    for name in (*_COUNTED, "minted_wh"):
        row[name] += late[name]
    row["own_wh"] += late["burned_wh"]
    row["grid_wh"] -= late["grid_wh"]
    row["grid_cents"] -= cost_cents(max(late["grid_wh"], 0), tariff.retail_cents_per_kwh)


def own_trades(
    connection: Connection, community: CommunityConfig, household_id: str, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return a household's spot and auction trades booked in ``[since, until)``, from the ledger's postings.

    ``wh`` is above zero for what came, ``cents`` for what was earned; a buyer's cents include the fees.
    """
    return [
        {
            "at": int(touch.booked_at.timestamp()),
            "market": touch.source,
            "wh": touch.change["ekwh_wh"] + touch.change["ekwh_held_wh"],
            "cents": touch.change["kes_cents"] + touch.change["kes_held_cents"],
        }
        for touch in ledger.touches(connection, community.id, household_id, since, until)
        if touch.source in {"spot", "auction"}
    ]


def market_without_names(connection: Connection, community: CommunityConfig, now: datetime) -> dict[str, Any]:
    """Return the open book as levels, best first, and the newest trades of all markets; nobody is named."""
    open_book = book(connection, community.id, now)
    levels = {
        name: [
            {"cents_per_kwh": limit, "wh": sum(order.wh for order in orders)}
            for limit, orders in groupby(open_book.resting(side), key=lambda order: order.limit)
        ]
        for name, side in (("buys", Side.BUY), ("sells", Side.SELL))
    }
    row = tables.trade.c
    query = (
        select(row.at, row.market, row.wh, row.cents_per_kwh)
        .where(row.community_id == community.id)
        .order_by(row.id.desc())
        .limit(_TRADES)
    )
    trades = [{**found, "at": int(found["at"].timestamp())} for found in connection.execute(query).mappings()]
    return {"book": levels, "trades": trades}

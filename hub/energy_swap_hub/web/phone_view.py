"""What a household's phone shows beyond its state: the day so far, payments, orders, and the community."""

from datetime import datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.membership.households import Household
from energy_swap_hub.metering.tables import meter_state
from energy_swap_hub.mpesa.tables import TOP_UP, payment_intent, payout
from energy_swap_hub.settlement import spot_tables, tables
from energy_swap_hub.settlement.ahead_tables import ahead_order
from energy_swap_hub.settlement.neighbours import together, unnamed
from energy_swap_hub.settlement.words import EAST_AFRICA

from .own_periods_view import own_periods, own_trades

_PAYMENTS: Final = 20
_ORDERS: Final = 50
_TRADES: Final = 100
_ENDED: Final = 10
_PLACES: Final = 10
_SILENT: Final = timedelta(minutes=10)
_SUMMED: Final = ("export_wh", "import_wh", "generation_wh", "sold_wh", "bought_wh", "earned_cents", "paid_cents")


def day_start(now: datetime) -> datetime:
    """Return when this day began in East Africa."""
    return datetime.combine(now.astimezone(EAST_AFRICA).date(), time(), EAST_AFRICA)


def month_start(now: datetime) -> datetime:
    """Return when this month began in East Africa."""
    return day_start(now).replace(day=1)


def power_now(connection: Connection, household: Household, now: datetime) -> dict[str, int] | None:
    """Return the mean power between the meter's last two readings; None when it has been silent."""
    row = meter_state.c
    found = connection.execute(
        select(row.net_w, row.generation_w, row.measured_at).where(row.meter == household.meter)
    ).first()
    if found is None or found.net_w is None or now.timestamp() - found.measured_at > _SILENT.total_seconds():
        return None
    return {"net_w": found.net_w, "generation_w": found.generation_w, "at": found.measured_at}


def sums(
    connection: Connection, community: CommunityConfig, household_id: str, since: datetime, until: datetime
) -> dict[str, int]:
    """Return what a household's booked periods and trades of a span come to.

    ``saved_cents`` is what the bought energy would have cost at the retail tariff, less what it cost.
    """
    total = dict.fromkeys((*_SUMMED, "saved_cents"), 0)
    bought: list[tuple[datetime, int, int]] = []
    for row in own_periods(connection, community, household_id, since, until):
        for name in _SUMMED:
            total[name] += row[name]
        bought.append((datetime.fromtimestamp(row["start"], since.tzinfo), row["bought_wh"], row["paid_cents"]))
    for trade in own_trades(connection, community, household_id, since, until):
        wh, cents = trade["wh"], trade["cents"]
        total["bought_wh" if wh > 0 else "sold_wh"] += abs(wh)
        total["earned_cents" if cents > 0 else "paid_cents"] += abs(cents)
        if wh > 0:
            bought.append((datetime.fromtimestamp(trade["at"], since.tzinfo), wh, abs(cents)))
    for at, wh, cents in bought:
        retail = tariff_at(community.tariffs, at).retail_cents_per_kwh
        total["saved_cents"] += wh * retail // 1000 - cents if wh else 0
    return total


def payments(connection: Connection, community_id: str, household_id: str) -> list[dict[str, Any]]:
    """Return a household's newest payments in and out, with how far each is; the newest first."""
    rows = []
    for direction, table, number in (("in", payment_intent, "intent_id"), ("out", payout, "payout_id")):
        row = table.c
        query = (
            select(table)
            .where(row.community_id == community_id, row.household_id == household_id)
            .order_by(row.created_at.desc())
            .limit(_PAYMENTS)
        )
        rows += [
            {
                "id": found[number],
                "direction": direction,
                "kes": found["kes"],
                "state": found["state"],
                "reason": found["reason"],
                "is_for_order": found.get("purpose", TOP_UP) != TOP_UP,
                "at": int(found["created_at"].timestamp()),
                "ended_at": None if found["ended_at"] is None else int(found["ended_at"].timestamp()),
            }
            for found in connection.execute(query).mappings()
        ]
    return sorted(rows, key=lambda payment: -payment["at"])[:_PAYMENTS]


def orders(connection: Connection, community_id: str, household_id: str) -> dict[str, Any]:
    """Return a household's newest orders, open and ended, and its newest trades; the others are not named."""
    spot, ahead, trade = spot_tables.spot_order.c, ahead_order.c, tables.trade.c
    spot_query = (
        select(spot.id, spot.side, spot.wh, spot.remaining_wh, spot.limit, spot.status, spot.placed_at)
        .where(spot.community_id == community_id, spot.household_id == household_id)
        .order_by(spot.placed_at.desc())
        .limit(_ORDERS)
    )
    ahead_query = (
        select(
            ahead.id,
            ahead.side,
            ahead.wh,
            ahead.filled_wh,
            ahead.limit,
            ahead.status,
            ahead.placed_at,
            ahead.start,
        )
        .where(ahead.community_id == community_id, ahead.household_id == household_id)
        .order_by(ahead.placed_at.desc())
        .limit(_ORDERS)
    )
    placed = [_order(dict(found)) for found in connection.execute(spot_query).mappings()]
    placed += [_order(dict(found)) for found in connection.execute(ahead_query).mappings()]
    trade_query = (
        select(trade.id, trade.at, trade.market, trade.seller, trade.wh, trade.cents_per_kwh, trade.cents)
        .where(trade.community_id == community_id, or_(trade.seller == household_id, trade.buyer == household_id))
        .order_by(trade.id.desc())
        .limit(_TRADES)
    )
    return {
        "orders": sorted(placed, key=lambda order: -order["at"])[:_ORDERS],
        "trades": [
            {
                "id": found.id,
                "at": int(found.at.timestamp()),
                "market": found.market,
                "side": "sell" if found.seller == household_id else "buy",
                "wh": found.wh,
                "cents_per_kwh": found.cents_per_kwh,
                "cents": found.cents,
            }
            for found in connection.execute(trade_query)
        ],
        "auctions": _ended_auctions(connection, community_id, household_id),
    }


def _ended_auctions(connection: Connection, community_id: str, household_id: str) -> list[dict[str, Any]]:
    """Return the newest ended auctions of a household, and those that it led to the end."""
    row = tables.auction.c
    query = (
        select(row.id, row.wh, row.best_bid, row.ends_at, row.status, row.seller)
        .where(
            row.community_id == community_id,
            row.status.in_(("sold", "unsold", "cancelled")),
            or_(row.seller == household_id, row.leader == household_id),
        )
        .order_by(row.ends_at.desc(), row.id)
        .limit(_ENDED)
    )
    return [
        {
            "id": found.id,
            "wh": found.wh,
            "cents_per_kwh": found.best_bid if found.status == "sold" else None,
            "ended_at": int(found.ends_at.timestamp()),
            "status": found.status,
            "mine": found.seller == household_id,
        }
        for found in connection.execute(query)
    ]


def community_page(
    connection: Connection, community: CommunityConfig, household: Household, now: datetime
) -> dict[str, Any]:
    """Return what the members did together this month, and who shared most; amounts in cents, Wh and grams.

    What was saved together is what the same energy would have cost from the main grid less what its makers would
    have got for it there, fees aside. ``co2_grams`` is None where the community has not said what its grid emits.
    """
    since = month_start(now)
    found = together(connection, community.id, since, now)
    tariff = tariff_at(community.tariffs, now)
    spread = tariff.retail_cents_per_kwh - tariff.feed_in_cents_per_kwh - tariff.fees_cents_per_kwh
    grams = community.grid_grams_per_kwh
    places = [
        {
            "place": number,
            "name": place.name,
            "shared_wh": place.shared_wh,
            "is_own": place.household == household.id,
        }
        for number, place in enumerate(found.places, 1)
        if number <= _PLACES or place.household == household.id
    ]
    return {
        "since": int(since.timestamp()),
        "members": found.members,
        "generated_wh": found.generated_wh,
        "shared_wh": found.shared_wh,
        "saved_cents": found.shared_wh * max(spread, 0) // 1000,
        "co2_grams": found.shared_wh * grams // 1000 if grams else None,
        "places": places,
        "is_named": household.id not in unnamed(connection, community.id),
    }


def _order(found: dict[str, Any]) -> dict[str, Any]:
    start = found.get("start")
    filled = found["filled_wh"] if "filled_wh" in found else found["wh"] - found["remaining_wh"]
    return {
        "id": found["id"],
        "side": found["side"],
        "wh": found["wh"],
        "filled_wh": filled,
        "limit": found["limit"],
        "status": found["status"],
        "at": int(found["placed_at"].timestamp()),
        "period": None if start is None else int(start.timestamp()),
    }

"""What a household sees of itself: the HouseholdState of the API, read in one snapshot."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from energy_swap_protocol.period import PeriodCalendar, period_id
from sqlalchemy import Connection, bindparam, select

from energy_swap_hub import ledger, metering
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.spot import Best
from energy_swap_hub.market.trade import Side
from energy_swap_hub.membership.households import Household
from energy_swap_hub.settlement import spot_tables, tables
from energy_swap_hub.settlement.allowances import allowance_wh
from energy_swap_hub.settlement.auctions import auction_of
from energy_swap_hub.settlement.limits import limits_of
from energy_swap_hub.settlement.notifications import last_notification
from energy_swap_hub.settlement.partners import chosen_by
from energy_swap_hub.settlement.relays import relay_of, wanted_of
from energy_swap_hub.settlement.reputation import MEMORY, Facts, facts_of, reputation
from energy_swap_hub.settlement.settings import Rules, rules
from energy_swap_hub.settlement.spot import book
from energy_swap_hub.settlement.totals import totals
from energy_swap_hub.storage import Lookup, is_one_of

from .ahead_view import own_contracts, own_orders, settled_ahead
from .guidance_view import advice

# Each household's look at itself asks all of these; made once, they cost a fifth.
_PERIOD, _POSITION, _ORDER, _AUCTION = (
    tables.period.c, tables.position.c, spot_tables.spot_order.c, tables.auction.c
)  # fmt: skip
_NEWEST_PERIOD: Final = Lookup(
    select(_PERIOD.start, _PERIOD.cents_per_kwh)
    .where(_PERIOD.community_id == bindparam("community_id"))
    .order_by(_PERIOD.start.desc())
    .limit(1)
)
_NEWEST_POSITION: Final = Lookup(
    select(tables.position)
    .where(
        _POSITION.community_id == bindparam("community_id"), _POSITION.household_id == bindparam("household_id")
    )
    .order_by(_POSITION.start.desc())
    .limit(1)
)
_OWN_ORDERS: Final = Lookup(
    select(_ORDER.id, _ORDER.side, _ORDER.wh, _ORDER.remaining_wh, _ORDER.limit, _ORDER.status)
    .where(
        _ORDER.community_id == bindparam("community_id"),
        _ORDER.household_id == bindparam("household_id"),
        is_one_of(_ORDER.status, "pending_lock", "open", "reserved", "pending_payment"),
    )
    .order_by(_ORDER.number)
)
_OPEN_AUCTIONS: Final = Lookup(
    select(tables.auction)
    .where(_AUCTION.community_id == bindparam("community_id"), _AUCTION.status == "open")
    .order_by(_AUCTION.ends_at, _AUCTION.id)
)

type Advise = Callable[[Connection, Rules, datetime], dict[str, Any]]


def household_state(
    connection: Connection,
    community: CommunityConfig,
    household: Household,
    now: datetime,
    advise: Advise = advice,
) -> dict[str, Any]:
    """Return the household's state (docs/api.md); amounts in cents and Wh, times as Unix seconds."""
    through_time = rules(connection, community)
    community, calendar = through_time.at(now), through_time.calendar
    sell_at_least, buy_at_most = limits_of(connection, community.id, household.id, now)
    tariff = tariff_at(community.tariffs, now)
    last_reading = metering.latest(connection, household.meter)
    open_book = book(connection, community.id, now)
    return {
        "household": household.id,
        "community": community.id,
        "name": household.name,
        "status": household.status,
        "role": household.role,
        "is_net_metered": household.is_net_metered,
        "wallet": ledger.wallet(connection, community.id, household.id),
        "standing_order": {"sell_at_least": sell_at_least, "buy_at_most": buy_at_most},
        **totals(connection, community.id, household.id),
        "clearing": _clearing(connection, community.id),
        "last_settlement": _last_settlement(connection, community.id, calendar, household.id),
        "orders": _orders(connection, community.id, household.id),
        "auctions": _auctions(connection, community.id, household.id),
        "ahead_orders": own_orders(connection, through_time, household.id),
        "contracts": own_contracts(connection, community.id, household.id, now),
        "partners": list(chosen_by(connection, community.id, household.id, now)),
        "book": {
            "best_sell": _best(open_book.best(Side.SELL, now)),
            "best_buy": _best(open_book.best(Side.BUY, now)),
        },
        "accepted_sequence": 0 if last_reading is None else last_reading.sequence,
        "allowance_wh": allowance_wh(connection, community.id, household.id),
        "period_minutes": calendar.at(now).minutes,
        "period_change": _period_change(calendar, now),
        "retail_tariff": tariff.retail_cents_per_kwh,
        "feed_in_tariff": tariff.feed_in_cents_per_kwh,
        "fees": tariff.fees_cents_per_kwh,
        **advise(connection, through_time, now),
        "reputation": _reputation(connection, community.id, household.id, now),
        "relay": _relay(connection, community, household.id),
        "last_notification": last_notification(connection, community.id, household.id),
    }


def _period_change(calendar: PeriodCalendar, now: datetime) -> dict[str, int] | None:
    """Return from when on (Unix) the next length of periods counts, and its minutes; None: none is announced."""
    coming = [since for since, _ in calendar.changes if since > now]
    return {"from": int(coming[0].timestamp()), "minutes": calendar.at(coming[0]).minutes} if coming else None


def _relay(connection: Connection, community: CommunityConfig, household_id: str) -> dict[str, Any] | None:
    """Return what the hub wants of the household's connection; None where no meter has told of a relay."""
    known = relay_of(connection, community.id, household_id)
    if known.report is None:
        return None
    reason = wanted_of(connection, community, known)
    return {
        "is_asked_off": known.is_asked_off,
        "is_protected": known.is_protected,
        "wanted": "none" if reason is None else reason.name.lower(),
    }


def _reputation(connection: Connection, community_id: str, household_id: str, now: datetime) -> dict[str, Any]:
    known = facts_of(connection, community_id, now, [household_id])
    standing = reputation(known.get(household_id, Facts()))
    return {
        "basis_points": standing.basis_points,
        "reason": standing.reason,
        "facts": asdict(standing.facts) | {"days": MEMORY.days},
    }


def _clearing(connection: Connection, community_id: str) -> dict[str, Any] | None:
    found = _NEWEST_PERIOD.first(connection, community_id=community_id)
    if found is None:
        return None
    return {"period": period_id(found[0]), "cents_per_kwh": found[1]}


def _last_settlement(
    connection: Connection, community_id: str, calendar: PeriodCalendar, household_id: str
) -> dict[str, Any] | None:
    newest = _NEWEST_POSITION.mappings(connection, community_id=community_id, household_id=household_id)
    if not newest:
        return None
    (found,) = newest
    period = calendar.starting(found["start"])
    ahead = settled_ahead(connection, community_id, household_id, period)
    return {
        "period": period.id,
        "ended_at": int(period.end.timestamp()),
        "net_wh": found["export_wh"] - found["import_wh"],
        "sold_wh": found["sold_wh"] + ahead["sold_wh"],
        "bought_wh": found["bought_wh"] + ahead["bought_wh"],
        "own_wh": found["own_wh"],
        "paid_cents": found["paid_cents"] + ahead["paid_cents"],
        "earned_cents": found["earned_cents"] + ahead["earned_cents"],
        "grid_wh": found["grid_wh"],
        "grid_cents": found["grid_cents"],
    }


def _orders(connection: Connection, community_id: str, household_id: str) -> list[dict[str, Any]]:
    return _OWN_ORDERS.mappings(connection, community_id=community_id, household_id=household_id)


def _auctions(connection: Connection, community_id: str, household_id: str) -> list[dict[str, Any]]:
    return [
        {
            "id": found["id"],
            "wh": found["wh"],
            "start_price": found["start_price"],
            "best_bid": found["best_bid"],
            "minimum_bid": auction_of(found).minimum_bid,
            "ends_at": int(found["ends_at"].timestamp()),
            "mine": found["seller"] == household_id,
            "leading": found["leader"] == household_id,
        }
        for found in _OPEN_AUCTIONS.mappings(connection, community_id=community_id)
    ]


def _best(best: Best | None) -> dict[str, int] | None:
    return None if best is None else {"cents_per_kwh": best.cents_per_kwh, "wh": best.wh}

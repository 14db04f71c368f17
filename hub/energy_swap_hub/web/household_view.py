"""What a household sees of itself: the HouseholdState of the API, read in one snapshot."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from energy_swap_protocol.period import PeriodCalendar, period_id
from sqlalchemy import Connection, and_, bindparam, select

from energy_swap_hub import ledger, metering
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.spot import Best
from energy_swap_hub.market.trade import Side
from energy_swap_hub.membership import tables as members
from energy_swap_hub.membership.households import Household
from energy_swap_hub.settlement import spot_tables, tables
from energy_swap_hub.settlement.allowances import allowances
from energy_swap_hub.settlement.auctions import auction_of
from energy_swap_hub.settlement.limits import NO_LIMITS, limits_of
from energy_swap_hub.settlement.notifications import last_notifications
from energy_swap_hub.settlement.partners import chosen_by
from energy_swap_hub.settlement.relays import Relay, relays_of, wanted_with
from energy_swap_hub.settlement.reputation import MEMORY, Facts, facts_of, reputation
from energy_swap_hub.settlement.settings import Rules, rules
from energy_swap_hub.settlement.spot import book
from energy_swap_hub.settlement.totals import totals_of
from energy_swap_hub.storage import Lookup, is_in, is_one_of

from .ahead_view import own_contracts, own_orders, settled_ahead
from .guidance_view import advice

# Each household's look at itself asks all of these; made once, they cost a fifth.
_PERIOD, _POSITION, _ORDER, _AUCTION, _MEMBER = (
    tables.period.c, tables.position.c, spot_tables.spot_order.c, tables.auction.c, members.household.c
)  # fmt: skip
_OTHER: Final = tables.position.alias().c
_NEWEST_PERIOD: Final = Lookup(
    select(_PERIOD.start, _PERIOD.cents_per_kwh)
    .where(_PERIOD.community_id == bindparam("community_id"))
    .order_by(_PERIOD.start.desc())
    .limit(1)
)
_NEWEST_POSITIONS: Final = Lookup(
    select(tables.position)
    .select_from(members.household)
    .join(
        tables.position,
        and_(
            _POSITION.community_id == _MEMBER.community_id,
            _POSITION.household_id == _MEMBER.id,
            _POSITION.start
            == select(_OTHER.start)
            .where(_OTHER.community_id == _MEMBER.community_id, _OTHER.household_id == _MEMBER.id)
            .order_by(_OTHER.start.desc())
            .limit(1)
            .scalar_subquery(),
        ),
    )
    .where(_MEMBER.community_id == bindparam("community_id"), is_in(_MEMBER.id, "household_ids"))
)
_OWN_ORDERS: Final = Lookup(
    select(
        _ORDER.household_id, _ORDER.id, _ORDER.side, _ORDER.wh, _ORDER.remaining_wh, _ORDER.limit, _ORDER.status
    )
    .where(
        _ORDER.community_id == bindparam("community_id"),
        is_in(_ORDER.household_id, "household_ids"),
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
    return household_states(connection, community, (household,), now, advise)[household.id]


def household_states(
    connection: Connection,
    community: CommunityConfig,
    households: Collection[Household],
    now: datetime,
    advise: Advise = advice,
) -> dict[str, dict[str, Any]]:
    """Return the state of each of some households, by its id, with as many statements as for one."""
    through_time = rules(connection, community)
    community, calendar = through_time.at(now), through_time.calendar
    whose = connection, community.id, [household.id for household in households]
    tariff = tariff_at(community.tariffs, now)
    open_book = book(connection, community.id, now)
    limits, chosen = limits_of(*whose, now), chosen_by(*whose, now)
    readings = metering.latest_of(connection, {household.meter for household in households})
    wallets, sums = ledger.wallets(*whose), totals_of(*whose)
    settled = _last_settlements(*whose, calendar)
    orders, ahead_orders = _orders(*whose), own_orders(connection, through_time, whose[2])
    contracts, granted = own_contracts(*whose, now), allowances(*whose)
    facts = facts_of(connection, community.id, now, whose[2])
    relays, told = relays_of(*whose), last_notifications(*whose)
    auctions = _OPEN_AUCTIONS.mappings(connection, community_id=community.id)
    of_all = {
        "clearing": _clearing(connection, community.id),
        "book": {
            "best_sell": _best(open_book.best(Side.SELL, now)),
            "best_buy": _best(open_book.best(Side.BUY, now)),
        },
        "period_minutes": calendar.at(now).minutes,
        "period_change": _period_change(calendar, now),
        "retail_tariff": tariff.retail_cents_per_kwh,
        "feed_in_tariff": tariff.feed_in_cents_per_kwh,
        "fees": tariff.fees_cents_per_kwh,
        **advise(connection, through_time, now),
    }

    def state(household: Household) -> dict[str, Any]:
        last_reading = readings.get(household.meter)
        sell_at_least, buy_at_most = limits.get(household.id, NO_LIMITS)
        return {
            "household": household.id,
            "community": community.id,
            "name": household.name,
            "status": household.status,
            "role": household.role,
            "is_net_metered": household.is_net_metered,
            "wallet": wallets[household.id],
            "standing_order": {"sell_at_least": sell_at_least, "buy_at_most": buy_at_most},
            **sums[household.id],
            **of_all,
            "last_settlement": settled.get(household.id),
            "orders": orders[household.id],
            "auctions": [_auction(found, household.id) for found in auctions],
            "ahead_orders": ahead_orders[household.id],
            "contracts": contracts[household.id],
            "partners": list(chosen.get(household.id, ())),
            "accepted_sequence": 0 if last_reading is None else last_reading.sequence,
            "allowance_wh": granted.get(household.id, 0),
            "reputation": _reputation(facts.get(household.id, Facts())),
            "relay": _relay(community, relays[household.id], wallets[household.id]),
            "last_notification": told.get(household.id, 0),
        }

    return {household.id: state(household) for household in households}


def _period_change(calendar: PeriodCalendar, now: datetime) -> dict[str, int] | None:
    """Return from when on (Unix) the next length of periods counts, and its minutes; None: none is announced."""
    coming = [since for since, _ in calendar.changes if since > now]
    return {"from": int(coming[0].timestamp()), "minutes": calendar.at(coming[0]).minutes} if coming else None


def _relay(community: CommunityConfig, known: Relay, wallet: Mapping[str, int]) -> dict[str, Any] | None:
    """Return what the hub wants of the household's connection; None where no meter has told of a relay."""
    if known.report is None:
        return None
    reason = wanted_with(community, known, wallet)
    return {
        "is_asked_off": known.is_asked_off,
        "is_protected": known.is_protected,
        "wanted": "none" if reason is None else reason.name.lower(),
    }


def _reputation(facts: Facts) -> dict[str, Any]:
    standing = reputation(facts)
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


def _last_settlements(
    connection: Connection, community_id: str, household_ids: Collection[str], calendar: PeriodCalendar
) -> dict[str, dict[str, Any]]:
    newest = _NEWEST_POSITIONS.mappings(connection, community_id=community_id, household_ids=household_ids)
    ahead = {
        start: settled_ahead(connection, community_id, household_ids, start)
        for start in {found["start"] for found in newest}
    }
    return {
        found["household_id"]: _settlement(found, ahead[found["start"]].get(found["household_id"], {}), calendar)
        for found in newest
    }


def _settlement(found: Mapping[str, Any], ahead: Mapping[str, int], calendar: PeriodCalendar) -> dict[str, Any]:
    """Return a period's outcome for a household; ``ahead`` is what its contracts came to, if it had any."""
    period = calendar.starting(found["start"])
    return {
        "period": period.id,
        "ended_at": int(period.end.timestamp()),
        "net_wh": found["export_wh"] - found["import_wh"],
        "sold_wh": found["sold_wh"] + ahead.get("sold_wh", 0),
        "bought_wh": found["bought_wh"] + ahead.get("bought_wh", 0),
        "own_wh": found["own_wh"],
        "paid_cents": found["paid_cents"] + ahead.get("paid_cents", 0),
        "earned_cents": found["earned_cents"] + ahead.get("earned_cents", 0),
        "grid_wh": found["grid_wh"],
        "grid_cents": found["grid_cents"],
    }


def _orders(
    connection: Connection, community_id: str, household_ids: Collection[str]
) -> defaultdict[str, list[dict[str, Any]]]:
    orders: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for found in _OWN_ORDERS.mappings(connection, community_id=community_id, household_ids=household_ids):
        orders[found.pop("household_id")].append(found)
    return orders


def _auction(found: dict[str, Any], household_id: str) -> dict[str, Any]:
    return {
        "id": found["id"],
        "wh": found["wh"],
        "start_price": found["start_price"],
        "best_bid": found["best_bid"],
        "minimum_bid": auction_of(found).minimum_bid,
        "ends_at": int(found["ends_at"].timestamp()),
        "mine": found["seller"] == household_id,
        "leading": found["leader"] == household_id,
    }


def _best(best: Best | None) -> dict[str, int] | None:
    return None if best is None else {"cents_per_kwh": best.cents_per_kwh, "wh": best.wh}

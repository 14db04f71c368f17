"""What households and the console see of trading ahead: open orders, and contracts with what was delivered."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from energy_swap_protocol.period import Period, period_id
from sqlalchemy import Connection, bindparam, or_, select

from energy_swap_hub.market.ahead import gate_closes_at
from energy_swap_hub.market.trade import Side
from energy_swap_hub.settlement.ahead_tables import ahead_line, ahead_order, contract
from energy_swap_hub.settlement.settings import Rules
from energy_swap_hub.storage import Lookup, is_in

from .answers import Ahead, AheadOrder, Contract

_SHOWN: Final = timedelta(days=1)
_MOST_CONTRACTS: Final = 200

# Each household's look at itself asks for its own: made once.
_LINES: Final = Lookup(
    select(ahead_line).where(
        ahead_line.c.community_id == bindparam("community_id"),
        ahead_line.c.start == bindparam("start"),
        is_in(ahead_line.c.household_id, "household_ids"),
    )
)
_ORDERS: Final = (
    select(ahead_order)
    .where(ahead_order.c.community_id == bindparam("community_id"), ahead_order.c.status == "open")
    .order_by(ahead_order.c.start, ahead_order.c.id)
)
_ALL_ORDERS: Final = Lookup(_ORDERS)
_OWN_ORDERS: Final = Lookup(_ORDERS.where(is_in(ahead_order.c.household_id, "household_ids")))
_CONTRACTS: Final = (
    select(contract)
    .where(contract.c.community_id == bindparam("community_id"))
    .order_by(contract.c.start.desc(), contract.c.number.desc())
)
_NEWEST_CONTRACTS: Final = Lookup(_CONTRACTS.limit(_MOST_CONTRACTS))
_OWN_CONTRACTS: Final = Lookup(
    _CONTRACTS.where(
        or_(is_in(contract.c.seller, "household_ids"), is_in(contract.c.buyer, "household_ids")),
        contract.c.start >= bindparam("since"),
    )
)


def own_orders(
    connection: Connection, through_time: Rules, household_ids: Collection[str]
) -> defaultdict[str, list[dict[str, Any]]]:
    """Return the open orders of some households for periods to come, the next first, by household."""
    own: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for order in _orders(connection, through_time, _OWN_ORDERS, household_ids=household_ids):
        own[order["household"]].append({name: value for name, value in order.items() if name != "household"})
    return own


def own_contracts(
    connection: Connection, community_id: str, household_ids: Collection[str], now: datetime
) -> dict[str, list[dict[str, Any]]]:
    """Return the contracts of some households for periods to come and of the last day, the oldest first."""
    found = _contracts(connection, community_id, _OWN_CONTRACTS, household_ids=household_ids, since=now - _SHOWN)
    own: dict[str, list[dict[str, Any]]] = {household_id: [] for household_id in household_ids}
    for made in found:
        told = {name: value for name, value in made.items() if name not in {"seller", "buyer"}}
        seller, buyer = made["seller"], made["buyer"]
        for side, mine, other in ((Side.SELL, seller, buyer), (Side.BUY, buyer, seller)):
            if (contracts := own.get(mine)) is not None and len(contracts) < _MOST_CONTRACTS:
                contracts.append({**told, "side": side.value, "with": other})
    return {household_id: contracts[::-1] for household_id, contracts in own.items()}


def settled_ahead(
    connection: Connection, community_id: str, household_ids: Collection[str], start: datetime
) -> dict[str, dict[str, int]]:
    """Return what the contracts of some households for a booked period came to, differences included.

    Who had none is left out.
    """
    lines = _LINES.mappings(connection, community_id=community_id, start=start, household_ids=household_ids)
    return {line["household_id"]: _settled(line) for line in lines}


def _settled(line: Mapping[str, Any]) -> dict[str, int]:
    is_seller = line["side"] == Side.SELL
    return {
        "sold_wh": line["delivered_wh"] if is_seller else 0,
        "bought_wh": 0 if is_seller else line["delivered_wh"],
        "earned_cents": line["earned_cents"] + max(line["difference_cents"], 0),
        "paid_cents": line["paid_cents"] + max(-line["difference_cents"], 0),
    }


def ahead_market(connection: Connection, through_time: Rules) -> Ahead:
    """Return all open orders, the next period first, and the newest contracts, the latest period first."""
    return {
        "orders": _orders(connection, through_time, _ALL_ORDERS),
        "contracts": _contracts(connection, through_time.founding.id, _NEWEST_CONTRACTS),
    }


def _orders(connection: Connection, through_time: Rules, lookup: Lookup, **asked: object) -> list[AheadOrder]:
    community, calendar = through_time.founding, through_time.calendar

    def closing(period: Period) -> int:
        return int(gate_closes_at(period, calendar, community.gate_periods).timestamp())

    return [
        {
            "id": found["id"],
            "period": period_id(found["start"]),
            "household": found["household_id"],
            "side": found["side"],
            "wh": found["wh"],
            "limit": found["limit"],
            "gate_closes_at": closing(calendar.starting(found["start"])),
        }
        for found in lookup.mappings(connection, community_id=community.id, **asked)
    ]


def _contracts(connection: Connection, community_id: str, lookup: Lookup, **asked: object) -> list[Contract]:

    def told(found: dict[str, Any], name: str) -> int | None:
        """Nobody knows before the period is booked."""
        return None if found["settled_at"] is None else found[name]

    return [
        {
            "period": period_id(found["start"]),
            "number": found["number"],
            "seller": found["seller"],
            "buyer": found["buyer"],
            "wh": found["wh"],
            "cents_per_kwh": found["cents_per_kwh"],
            "delivered_wh": told(found, "delivered_wh"),
            "backfill_wh": told(found, "backfill_wh"),
            "spare_wh": told(found, "spare_wh"),
        }
        for found in lookup.mappings(connection, community_id=community_id, **asked)
    ]

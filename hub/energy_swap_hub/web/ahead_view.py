"""What households and the console see of trading ahead: open orders, and contracts with what was delivered."""

from datetime import datetime, timedelta
from typing import Any, Final

from energy_swap_protocol.period import Period, period_id
from sqlalchemy import Connection, bindparam, or_, select

from energy_swap_hub.market.ahead import gate_closes_at
from energy_swap_hub.market.trade import Side
from energy_swap_hub.settlement.ahead_tables import ahead_line, ahead_order, contract
from energy_swap_hub.settlement.settings import Rules
from energy_swap_hub.storage import Lookup

from .answers import Ahead, AheadOrder, Contract

_SHOWN: Final = timedelta(days=1)
_MOST_CONTRACTS: Final = 200

# Each household's look at itself asks for its own: made once.
_LINE: Final = Lookup(
    select(ahead_line).where(
        ahead_line.c.community_id == bindparam("community_id"),
        ahead_line.c.start == bindparam("start"),
        ahead_line.c.household_id == bindparam("household_id"),
    )
)
_ORDERS: Final = (
    select(ahead_order)
    .where(ahead_order.c.community_id == bindparam("community_id"), ahead_order.c.status == "open")
    .order_by(ahead_order.c.start, ahead_order.c.id)
)
_ALL_ORDERS: Final = Lookup(_ORDERS)
_OWN_ORDERS: Final = Lookup(_ORDERS.where(ahead_order.c.household_id == bindparam("household_id")))
_CONTRACTS: Final = (
    select(contract)
    .where(contract.c.community_id == bindparam("community_id"))
    .order_by(contract.c.start.desc(), contract.c.number.desc())
    .limit(_MOST_CONTRACTS)
)
_ALL_CONTRACTS: Final = Lookup(_CONTRACTS)
_OWN_CONTRACTS: Final = Lookup(
    _CONTRACTS.where(
        or_(contract.c.seller == bindparam("household_id"), contract.c.buyer == bindparam("household_id")),
        contract.c.start >= bindparam("since"),
    )
)


def own_orders(connection: Connection, through_time: Rules, household_id: str) -> list[dict[str, Any]]:
    """Return a household's open orders for periods to come, the next first."""
    return [
        {name: value for name, value in order.items() if name != "household"}
        for order in _orders(connection, through_time, _OWN_ORDERS, household_id=household_id)
    ]


def own_contracts(
    connection: Connection, community_id: str, household_id: str, now: datetime
) -> list[dict[str, Any]]:
    """Return a household's contracts for periods to come and of the last day, the oldest first."""
    found = _contracts(connection, community_id, _OWN_CONTRACTS, household_id=household_id, since=now - _SHOWN)
    contracts = []
    for made in reversed(found):
        is_seller = made["seller"] == household_id
        side = Side.SELL if is_seller else Side.BUY
        own = {name: value for name, value in made.items() if name not in {"seller", "buyer"}}
        contracts.append({**own, "side": side.value, "with": made["buyer" if is_seller else "seller"]})
    return contracts


def settled_ahead(connection: Connection, community_id: str, household_id: str, period: Period) -> dict[str, int]:
    """Return what a household's contracts for a booked period came to, differences included; zeros without any."""
    lines = _LINE.mappings(connection, community_id=community_id, start=period.start, household_id=household_id)
    if not lines:
        return dict.fromkeys(("sold_wh", "bought_wh", "earned_cents", "paid_cents"), 0)
    (line,) = lines
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
        "contracts": _contracts(connection, through_time.founding.id, _ALL_CONTRACTS),
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

"""The gate of a period to come: it makes contracts of the open orders and frees what they no longer need."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from energy_swap_protocol.period import Period
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, select

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Journal
from energy_swap_hub.market import ahead as market
from energy_swap_hub.market.ahead import Contract, gate_closes_at
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.period import PeriodOrder, Side
from energy_swap_hub.storage import change_rows, insert_rows

from .ahead_tables import ahead_order, contract
from .notifications import Event, Notification, notify
from .settings import calendar_of, tariff_of

type _Orders = dict[str, list[Mapping[str, Any]]]  # household -> its orders, the first to be filled first


def close_gate(
    connection: Connection, community: CommunityConfig, period: Period, now: datetime
) -> tuple[Contract, ...]:
    """Make contracts of the open orders for ``period`` and free what they no longer need; return the contracts.

    A gate that was closed before has no open order left: closing it again does nothing. Late is the same as in
    time, for nobody can place or cancel after the gate. Raises ValueError while the gate is open.
    """
    closes_at = gate_closes_at(period, calendar_of(connection, community), community.gate_periods)
    if now < closes_at:
        raise ValueError(f"the gate of {period.id} is open until {closes_at.isoformat()}")
    orders = _open_orders(connection, community.id, period)
    if not orders:
        return ()
    wishes = [
        PeriodOrder(o["household_id"], Side(o["side"]), o["wh"], o["limit"])
        for own in orders.values()
        for o in own
    ]
    _, contracts = market.close_gate(wishes, period)
    _move_holds(connection, community, period, orders, contracts, now)
    _record_orders(connection, community.id, orders, contracts)
    _record_contracts(connection, community.id, contracts, now)
    notify(connection, community.id, _told(contracts), now)
    return contracts


def contracts_of(connection: Connection, community_id: str, period: Period) -> list[Contract]:
    """Return the contracts of a period that are not settled yet, by number."""
    row = contract.c
    query = (
        select(row.number, row.seller, row.buyer, row.wh, row.cents_per_kwh)
        .where(row.community_id == community_id, row.start == period.start, row.settled_at.is_(None))
        .order_by(row.number)
    )
    return [
        Contract(number, period, seller, buyer, wh, cents_per_kwh)
        for number, seller, buyer, wh, cents_per_kwh in connection.execute(query)
    ]


def order_hold(order_id: str) -> str:
    """Return the ledger's name of what an order for a period to come holds."""
    return f"ahead:{order_id}"


def contract_hold(period: Period, household_id: str) -> str:
    """Return the ledger's name of what a household's contracts for ``period`` hold."""
    return f"contracts:{period.id}:{household_id}"


def secured_cents(side: Side, wh: int, cents_per_kwh: int, tariff: Tariff) -> int:
    """Return what ``wh`` at this price can cost: a buyer all of it with fees, a seller the grid's difference."""
    all_in = cents_per_kwh + tariff.fees_cents_per_kwh
    return cost_cents(wh, all_in if side is Side.BUY else max(0, tariff.retail_cents_per_kwh - all_in))


def _open_orders(connection: Connection, community_id: str, period: Period) -> _Orders:
    row = ahead_order.c
    query = select(ahead_order).where(
        row.community_id == community_id, row.status == "open", row.start == period.start
    )
    orders: _Orders = defaultdict(list)
    for found in connection.execute(query.order_by(row.id)).mappings():
        orders[found["household_id"]].append(dict(found))
    return {household_id: sorted(own, key=_best_first) for household_id, own in orders.items()}


def _best_first(order: Mapping[str, Any]) -> tuple[int, datetime, str]:
    return (order["limit"] if order["side"] == Side.SELL else -order["limit"], order["placed_at"], order["id"])


def _move_holds(
    connection: Connection,
    community: CommunityConfig,
    period: Period,
    orders: _Orders,
    contracts: Sequence[Contract],
    now: datetime,
) -> None:
    """Free what orders hold, but for what the contracts of their household can cost."""
    tariff, filled = tariff_of(connection, community, period.start), _filled_wh(contracts)
    journal = Journal(connection, community.id)
    accounts = [ledger.kes(household_id) for household_id in orders]
    journal.expect(
        accounts=[*accounts, *(f"{account}_held" for account in accounts)],
        names={"hold": [contract_hold(period, household_id) for household_id in orders]},
        holds=[order_hold(order["id"]) for own in orders.values() for order in own],
    )
    for household_id, own in orders.items():
        freed = sum(
            journal.close_hold(order_hold(order["id"]), at=now, text="the gate has closed") for order in own
        )
        if wh := filled[household_id]:
            # Orders were rounded one by one, so together they can hold a cent less than their sum costs.
            side = Side(own[0]["side"])
            cents = min(freed, secured_cents(side, wh, contracts[0].cents_per_kwh, tariff))
            hold, account = contract_hold(period, household_id), ledger.kes(household_id)
            journal.hold(hold, account, cents, at=now, text="contracts")
    journal.write()


def _record_orders(
    connection: Connection, community_id: str, orders: _Orders, contracts: Sequence[Contract]
) -> None:
    rows, left = [], _filled_wh(contracts)
    for household_id, own in orders.items():
        for order in own:
            wh = min(order["wh"], left[household_id])
            left[household_id] -= wh
            status = "filled" if wh == order["wh"] else "part_filled" if wh else "unfilled"
            rows.append((status, wh, community_id, order["id"]))
    change_rows(connection, ahead_order, ("community_id", "id"), ("status", "filled_wh"), rows)


def _record_contracts(
    connection: Connection, community_id: str, contracts: Iterable[Contract], now: datetime
) -> None:
    rows = [
        (community_id, c.period.start, c.number, c.seller, c.buyer, c.wh, c.cents_per_kwh, now, 0, 0, 0)
        for c in contracts
    ]
    insert_rows(connection, contract, _CONTRACT, rows)


_CONTRACT = (
    "community_id",
    "start",
    "number",
    "seller",
    "buyer",
    "wh",
    "cents_per_kwh",
    "concluded_at",
    "delivered_wh",
    "backfill_wh",
    "spare_wh",
)


def _told(contracts: Iterable[Contract]) -> list[Notification]:
    return [
        Notification(
            household_id,
            Event.CONTRACT_MADE,
            {"period": c.period.id, "side": side.value, "wh": c.wh, "cents_per_kwh": c.cents_per_kwh},
        )
        for c in contracts
        for household_id, side in ((c.seller, Side.SELL), (c.buyer, Side.BUY))
    ]


def _filled_wh(contracts: Iterable[Contract]) -> Counter[str]:
    filled: Counter[str] = Counter()
    for made in contracts:
        filled[made.seller] += made.wh
        filled[made.buyer] += made.wh
    return filled

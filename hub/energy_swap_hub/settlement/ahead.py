"""Orders for periods to come: who may place them until when, and what they hold while the gate is open."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from energy_swap_protocol.message import BuyAhead, SellAhead
from energy_swap_protocol.period import Period, PeriodCalendar, period_id
from sqlalchemy import Connection, func, insert, select, update

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.ahead import gate_closes_at
from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.market.trade import Side
from energy_swap_hub.membership.households import Household

from .ahead_tables import LONGEST_AHEAD, ahead_order, contract
from .allowances import allowance_wh
from .gates import contracts_of, order_hold, secured_cents
from .machine import schedule
from .refusals import OrderRefused, cannot_cancel, check_may_deliver, no_such_order
from .settings import calendar_of, rules
from .words import kes, kwh


@dataclass(frozen=True, slots=True)
class _Wish:
    """What an order for ``period`` asks for, whichever side it is on."""

    period: Period
    side: Side
    wh: int
    limit: int


def place(
    connection: Connection,
    community: CommunityConfig,
    household: Household,
    message: SellAhead | BuyAhead,
    now: datetime,
) -> None:
    """Store an order for a period to come and hold what it can cost; raises `OrderRefused` or `Overdrawn`."""
    through_time = rules(connection, community)
    calendar = through_time.calendar
    period = _open_period(community, calendar, message.period, now)
    if isinstance(message, SellAhead):
        check_may_deliver(household)
        wish = _Wish(period, Side.SELL, message.wh, message.at_least)
    else:
        wish = _Wish(period, Side.BUY, message.wh, message.at_most)
    _check_side(connection, community.id, household, wish)
    if wish.side is Side.BUY:
        _check_allowance(connection, community.id, household, wish.wh)
    cents = secured_cents(
        wish.side, wish.wh, wish.limit, tariff_at(through_time.at(period.start).tariffs, period.start)
    )
    account = ledger.kes(household.id)
    free = ledger.balance(connection, community.id, account)
    if free < cents:
        why = (
            "what it costs at most" if wish.side is Side.BUY else "the buyer's difference if nothing is delivered"
        )
        raise Overdrawn(
            f"wh: the order holds {kes(cents)}, {why}; free are {kes(free)}: "
            f"order less, or top up {kes(cents - free)}",
            account=account,
            have=free,
            need=cents,
        )
    text = "ahead purchase" if wish.side is Side.BUY else "ahead sale"
    ledger.hold(connection, community.id, order_hold(str(message.id)), account, cents, at=now, text=text)
    connection.execute(
        insert(ahead_order).values(
            community_id=community.id,
            id=str(message.id),
            start=period.start,
            household_id=household.id,
            side=wish.side.value,
            wh=wish.wh,
            limit=wish.limit,
            filled_wh=0,
            status="open",
            placed_at=now,
        )
    )
    closes_at = gate_closes_at(period, calendar, community.gate_periods)
    schedule(connection, community.id, "gate", period.id, closes_at)


def cancel(
    connection: Connection, community: CommunityConfig, household: Household, order_id: str, now: datetime
) -> None:
    """Take back an own order while its gate is open and free what it holds; raises `OrderRefused` else."""
    row = order_row(connection, community.id, order_id)
    if row is None or row["household_id"] != household.id:
        raise no_such_order(household.id, order_id)
    if row["status"] != "open":
        raise cannot_cancel(order_id, row["status"])
    closes_at = _gate_of(connection, community, row["start"])
    if now >= closes_at:
        raise OrderRefused(
            f"order: {order_id} could be cancelled until {closes_at.isoformat()}; it is binding now, and what it "
            "buys or sells is settled when its period is over",
            "order_binding",
        )
    ledger.close_hold(connection, community.id, order_hold(order_id), at=now, text="order cancelled")
    _update(connection, community.id, order_id, status="cancelled")


def withdraw(connection: Connection, community: CommunityConfig, order_id: str, now: datetime) -> bool:
    """Take back the open order of a household that is a member no longer; False once its gate has closed."""
    row = order_row(connection, community.id, order_id)
    assert row is not None
    if now >= _gate_of(connection, community, row["start"]):
        return False  # the gate is about to make a contract of it, which is settled like any other
    ledger.close_hold(connection, community.id, order_hold(order_id), at=now, text="order withdrawn")
    _update(connection, community.id, order_id, status="cancelled")
    return True


def order_row(connection: Connection, community_id: str, order_id: str) -> dict[str, Any] | None:
    """Return an order for a period to come as stored; None if there is none."""
    query = select(ahead_order).where(ahead_order.c.community_id == community_id, ahead_order.c.id == order_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def order_answer(connection: Connection, community_id: str, order_id: str) -> dict[str, Any]:
    """Return how an order for a period to come stands."""
    row = order_row(connection, community_id, order_id)
    assert row is not None
    told = {"order": order_id, "status": row["status"], "period": period_id(row["start"])}
    return told | {"filled_wh": row["filled_wh"]}


def _gate_of(connection: Connection, community: CommunityConfig, start: datetime) -> datetime:
    calendar = calendar_of(connection, community)
    return gate_closes_at(calendar.starting(start), calendar, community.gate_periods)


def _open_period(community: CommunityConfig, calendar: PeriodCalendar, name: str, now: datetime) -> Period:
    try:
        period = calendar.named(name)
    except ValueError as error:
        raise OrderRefused(f"period: {error}", "no_such_period") from None
    first = calendar.after(calendar.at(now), community.gate_periods + 1)
    if period.start < first.start:
        closed_at = gate_closes_at(period, calendar, community.gate_periods)
        raise OrderRefused(
            f"period: orders for {period.id} were taken until {closed_at.isoformat()}; "
            f"the first open one is {first.id}",
            "gate_closed",
            first_time=int(first.start.timestamp()),
        )
    if period.start > now + LONGEST_AHEAD:
        last = calendar.at(now + LONGEST_AHEAD)
        text = f"period: {period.id} is more than 7 days ahead; the last open one is {last.id}"
        raise OrderRefused(text, "period_too_far", last_time=int(last.start.timestamp()))
    return period


def _check_side(connection: Connection, community_id: str, household: Household, wish: _Wish) -> None:
    row = ahead_order.c
    others = select(row.id).where(
        row.community_id == community_id,
        row.household_id == household.id,
        row.start == wish.period.start,
        row.side != wish.side.value,
        row.status == "open",
    )
    if connection.execute(others.limit(1)).first() is not None:
        other = "buy" if wish.side is Side.SELL else "sell"
        raise OrderRefused(
            "period: for one period a household either sells or buys: "
            f"cancel the orders to {other} for {wish.period.id} first, or choose another period",
            "sells_or_buys",
        )
    # The hub's clock was set back: what the gate has closed stays closed.
    if contracts_of(connection, community_id, wish.period):
        text = f"period: the contracts for {wish.period.id} are made; choose a later period"
        raise OrderRefused(text, "contracts_made")


def _check_allowance(connection: Connection, community_id: str, household: Household, wh: int) -> None:
    """What is bought ahead is burned when it is used: no more can be bought than may be burned."""
    allowed = allowance_wh(connection, community_id, household.id)
    promised = _open_purchases_wh(connection, community_id, household.id)
    if promised + wh > allowed:
        raise OrderRefused(
            f"wh: the hub may burn {kwh(max(allowed, 0))} for this household, and {kwh(promised)} are bought "
            f"ahead already; order at most {max(allowed - promised, 0)} Wh or allow more",
            "allowance_too_small",
            most_wh=max(allowed - promised, 0),
        )


def _open_purchases_wh(connection: Connection, community_id: str, household_id: str) -> int:
    order, made = ahead_order.c, contract.c
    ordered = select(func.coalesce(func.sum(order.wh), 0)).where(
        order.community_id == community_id,
        order.household_id == household_id,
        order.status == "open",
        order.side == Side.BUY.value,
    )
    bought = select(func.coalesce(func.sum(made.wh), 0)).where(
        made.community_id == community_id, made.buyer == household_id, made.settled_at.is_(None)
    )
    return sum(int(connection.execute(query).scalar_one()) for query in (ordered, bought))


def _update(connection: Connection, community_id: str, order_id: str, **values: object) -> None:
    connection.execute(
        update(ahead_order)
        .where(ahead_order.c.community_id == community_id, ahead_order.c.id == order_id)
        .values(**values)
    )

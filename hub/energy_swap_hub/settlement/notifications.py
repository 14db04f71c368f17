"""What households are told: the outbox of events, written with what they tell of and read by cursor.

An event is stored in the transaction of the change it tells, so none is told that did not happen and none that
happened is lost. Whoever reads remembers the last number it has seen and asks for what came after: each is told
once, in order, and after any interruption.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from energy_swap_hub.membership.tables import household
from energy_swap_hub.storage import Lookup, insert_rows, is_among, is_in

from .tables import notification

_AFTER: Final = Lookup(
    select(notification.c.number, notification.c.event, notification.c.data, notification.c.at)
    .where(
        notification.c.community_id == bindparam("community_id"),
        notification.c.household_id == bindparam("household_id"),
        notification.c.number > bindparam("after"),
    )
    .order_by(notification.c.number)
    .limit(bindparam("limit"))
)
_LAST: Final = Lookup(
    select(
        household.c.id,
        # Each from the end of its index: grouped they would all be read.
        select(func.max(notification.c.number))
        .where(
            notification.c.community_id == household.c.community_id,
            notification.c.household_id == household.c.id,
        )
        .scalar_subquery(),
    ).where(household.c.community_id == bindparam("community_id"), is_in(household.c.id, "household_ids"))
)


class Event(StrEnum):
    """What may be told. The numbers that come with each are cents, Wh, cents per kWh and whole KES."""

    ADMITTED = "admitted"
    PERIOD_SETTLED = "period_settled"  # period, sold_wh, bought_wh, earned_cents, paid_cents
    ORDER_MATCHED = "order_matched"  # order, wh, cents_per_kwh, remaining_wh
    ORDER_ENDED = "order_ended"  # order, reason, remaining_wh
    CONTRACT_MADE = "contract_made"  # period, side, wh, cents_per_kwh
    OUTBID = "outbid"  # auction, cents_per_kwh
    AUCTION_ENDED = "auction_ended"  # auction, wh, cents_per_kwh (none: not sold)
    TOPPED_UP = "topped_up"  # cents, receipt
    PAYMENT_FAILED = "payment_failed"  # reason
    PAID_OUT = "paid_out"  # cents, receipt
    PAYOUT_FAILED = "payout_failed"  # reason
    TRUED_UP = "trued_up"  # period, minted_wh, burned_wh, grid_wh
    REWARDED = "rewarded"  # day, cents
    METER_SILENT = "meter_silent"  # period
    SUSPENDED = "suspended"  # reason
    LEAVING = "leaving"  # reason
    READMITTED = "readmitted"
    RECOVERED = "recovered"  # wh: they are in the account of the household's new key
    WALLET_DIFFERS = "wallet_differs"  # books_wh, chain_wh: who moves tokens past the hub is told
    ALLOWANCE_LOST = "allowance_lost"  # wh: what the hub cannot burn any more


class Notification(NamedTuple):
    """``event`` happened to a household; ``data`` has its numbers."""

    household: str
    event: Event
    data: dict[str, Any]


def notify(
    connection: Connection, community_id: str, notifications: Iterable[Notification], now: datetime
) -> None:
    """Tell households what happened, in the transaction in which it does."""
    names = ("community_id", "household_id", "event", "data", "at")
    rows = [(community_id, told.household, told.event.value, told.data, now) for told in notifications]
    insert_rows(connection, notification, names, rows)


def notifications_after(
    connection: Connection, community_id: str, household_id: str, number: int, *, limit: int = 100
) -> list[dict[str, Any]]:
    """Return what a household was told after event ``number``, the oldest first, with each one's number."""
    told = _AFTER.all(connection, community_id=community_id, household_id=household_id, after=number, limit=limit)
    return [
        {"number": number, "event": event, "at": int(at.timestamp()), **data} for number, event, data, at in told
    ]


def last_told(
    connection: Connection, community_id: str, event: Event, households: Collection[str]
) -> dict[str, datetime]:
    """Return when each of ``households`` was last told of ``event``; who never was is left out."""
    row = notification.c
    query = (
        select(row.household_id, func.max(row.at).label("at"))
        .where(
            row.community_id == community_id,
            row.event == event.value,
            is_among(connection, row.household_id, households),
        )
        .group_by(row.household_id)
    )
    return {told.household_id: told.at for told in connection.execute(query)}


def last_notification(connection: Connection, community_id: str, household_id: str) -> int:
    """Return the number of the last event that a household was told of; 0 before the first."""
    return last_notifications(connection, community_id, (household_id,)).get(household_id, 0)


def last_notifications(
    connection: Connection, community_id: str, household_ids: Collection[str]
) -> dict[str, int]:
    """Return what `last_notification` returns of each of some households."""
    found = _LAST.all(connection, community_id=community_id, household_ids=household_ids)
    return {household_id: number or 0 for household_id, number in found}

"""What a paired phone may sign for its household, and how much money it may move in a day."""

from datetime import datetime
from typing import Any, Final

from energy_swap_protocol.message import (
    AnyMessage,
    Bid,
    BuyAhead,
    BuyOrder,
    CancelOrder,
    ChoosePartners,
    PayOut,
    SellAhead,
    StandingOrder,
    TopUp,
)
from sqlalchemy import Connection, select

from energy_swap_hub.market.fees import tariff_at
from energy_swap_hub.membership.device_tables import device_spending
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.storage.bulk import add_rows

from .auctions import auction_row
from .desk import Desk
from .words import EAST_AFRICA, kes

# None of these needs a transaction of the chain: that takes the household's own key, which no phone has.
_MAY_SIGN: Final = (
    StandingOrder, ChoosePartners, BuyOrder, CancelOrder, SellAhead, BuyAhead, Bid, TopUp, PayOut,
)  # fmt: skip


class NotForPhones(PermissionError):  # noqa: N818 - reads as the answer it is
    """The message takes the household's own key; the text says so."""


def check_phone_may(connection: Connection, desk: Desk, key: bytes, message: AnyMessage, now: datetime) -> None:
    """Raise `NotForPhones`, or `PaymentRefused` when it would move more than a phone may in a day."""
    if not isinstance(message, _MAY_SIGN):
        raise NotForPhones(
            "a paired phone cannot sign this: tokens are moved with the household's own key, which its box keeps"
        )
    _check_cap(connection, desk, key, _most_cents(connection, desk, message, now), now)


def note_spending(
    connection: Connection, desk: Desk, key: bytes, message: AnyMessage, details: dict[str, Any], now: datetime
) -> None:
    """Count what a phone's message moves; raises `PaymentRefused` when that is too much in a day."""
    cents = details["kes"] * 100 if isinstance(message, PayOut) else _most_cents(connection, desk, message, now)
    if not cents:
        return
    _check_cap(connection, desk, key, cents, now)
    add_rows(connection, device_spending, ("key", "day", "cents"), [(key, _day(now), cents)])


def spent_cents(connection: Connection, key: bytes, now: datetime) -> int:
    """Return what a phone has moved today (East Africa Time)."""
    row = device_spending.c
    query = select(row.cents).where(row.key == key, row.day == _day(now))
    return connection.execute(query).scalar() or 0


def _check_cap(connection: Connection, desk: Desk, key: bytes, cents: int, now: datetime) -> None:
    spent = spent_cents(connection, key, now)
    if cents and spent + cents > desk.phone_daily_cents:
        raise PaymentRefused(
            f"a phone moves at most {kes(desk.phone_daily_cents)} a day; this one has moved {kes(spent)} today, "
            f"and this would be {kes(cents)} more",
            "phone_daily_limit",
            most_cents=desk.phone_daily_cents,
            moved_cents=spent,
            more_cents=cents,
        )


def _most_cents(connection: Connection, desk: Desk, message: AnyMessage, now: datetime) -> int:
    """Return what a message can move at most: into the wallet, out of it, or to a seller."""
    match message:
        case TopUp(kes=whole):
            return whole * 100
        case PayOut(kes=whole):
            return (whole or 0) * 100  # all that is there: counted when that is known
        case BuyOrder(wh=wh, at_most=price) | BuyAhead(wh=wh, at_most=price):
            fees = tariff_at(desk.community.tariffs, now).fees_cents_per_kwh
            return -(-wh * (price + fees) // 1000)
        case Bid(auction=auction, price=price):
            row = auction_row(connection, desk.community.id, str(auction))
            return 0 if row is None else -(-int(row["wh"]) * price // 1000)
        case _:
            return 0


def _day(now: datetime) -> str:
    return now.astimezone(EAST_AFRICA).date().isoformat()

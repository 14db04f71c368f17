"""Which notifications a household's phones are told at once, and what is in such a message: numbers, no names."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from energy_swap_hub.push.courier import Parcel, Urgency

from .notifications import Event

WORTH: Final = timedelta(days=1)  # what is older is no news; the app shows it


class Topic(StrEnum):
    """What a phone may choose to be told of."""

    MONEY = "money"
    TRADES = "trades"
    HOME = "home"


class _Told(NamedTuple):
    topic: Topic
    numbers: tuple[str, ...] = ()
    urgency: Urgency = "normal"


_TOLD: Final[Mapping[Event, _Told]] = {
    Event.TOPPED_UP: _Told(Topic.MONEY, ("cents",), "high"),
    Event.PAYMENT_FAILED: _Told(Topic.MONEY, (), "high"),
    Event.PAID_OUT: _Told(Topic.MONEY, ("cents",), "high"),
    Event.PAYOUT_FAILED: _Told(Topic.MONEY, (), "high"),
    Event.REWARDED: _Told(Topic.MONEY, ("cents",)),
    Event.PERIOD_SETTLED: _Told(Topic.TRADES, ("sold_wh", "bought_wh", "earned_cents", "paid_cents"), "low"),
    Event.ORDER_MATCHED: _Told(Topic.TRADES, ("wh", "cents_per_kwh")),
    Event.ORDER_ENDED: _Told(Topic.TRADES, ("remaining_wh",)),
    Event.CONTRACT_MADE: _Told(Topic.TRADES, ("side", "wh", "cents_per_kwh")),
    Event.OUTBID: _Told(Topic.TRADES, ("cents_per_kwh",), "high"),
    Event.AUCTION_ENDED: _Told(Topic.TRADES, ("wh", "cents_per_kwh")),
    Event.METER_SILENT: _Told(Topic.HOME, (), "high"),
    Event.SUSPENDED: _Told(Topic.HOME, (), "high"),
    Event.READMITTED: _Told(Topic.HOME),
    Event.RECOVERED: _Told(Topic.HOME, ("wh",)),
    Event.WALLET_DIFFERS: _Told(Topic.HOME, (), "high"),
    Event.ALLOWANCE_LOST: _Told(Topic.HOME, ("wh",), "high"),
}


def parcel_of(news: Mapping[str, Any], topics: Collection[str], now: datetime) -> Parcel | None:
    """Return the message that tells a notification, as `notifications_after` has it; None where it is not told.

    Its ``tag`` is the same however often it is sent, so that a phone shows it once; what the period market did has
    one for all periods, so that the newest takes the place of the one before.
    """
    told = _TOLD.get(news["event"])
    lasts = WORTH - (now - datetime.fromtimestamp(news["at"], now.tzinfo))
    if told is None or told.topic not in topics or lasts <= timedelta():
        return None
    if news["event"] == Event.PERIOD_SETTLED and not (news["earned_cents"] or news["paid_cents"]):
        return None
    tag = "period" if news["event"] == Event.PERIOD_SETTLED else f"n{news['number']}"
    body = {"tag": tag, "event": news["event"]} | {name: news[name] for name in told.numbers}
    return Parcel(text=msgspec.json.encode(body), topic=tag, lasts=lasts, urgency=told.urgency)

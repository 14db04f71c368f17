"""What all markets share: the two sides of an order, the trade, and the middle of two prices."""

from enum import StrEnum

import msgspec


class Side(StrEnum):
    """Which way the energy of an order goes. Equal to the words ``"sell"`` and ``"buy"`` of the messages."""

    SELL = "sell"
    BUY = "buy"


class Trade(msgspec.Struct, frozen=True, gc=False):
    """``wh`` (> 0) watt-hours go from ``seller`` to ``buyer``, two different households.

    Not checked here, where trades come by the ten thousand: no market makes another, and no bill
    (`fees.bill_priced`) takes another.
    """

    seller: str
    buyer: str
    wh: int


class PricedTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade at a price of its own, cents per kWh."""

    trade: Trade
    cents_per_kwh: int


def middle(low: int, high: int) -> int:
    """Return the price halfway between two prices, half a cent rounded to the even cent."""
    half, odd = divmod(low + high, 2)
    return half + (odd and half % 2)

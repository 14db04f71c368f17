"""What all markets share: the two sides of an order, and the trade."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Side(StrEnum):
    """Which way the energy of an order goes. Equal to the words ``"sell"`` and ``"buy"`` of the messages."""

    SELL = "sell"
    BUY = "buy"


class Trade(msgspec.Struct, frozen=True, gc=False):
    """``wh`` (> 0) watt-hours go from ``seller`` to ``buyer``, two different households."""

    seller: str
    buyer: str
    wh: int

    def __post_init__(self) -> None:
        if self.seller == self.buyer:
            raise ValueError(f"{self.seller} cannot trade with itself")
        if self.wh <= 0:
            raise ValueError(f"a trade moves at least 1 Wh, not {self.wh}")


@dataclass(frozen=True, slots=True)
class PricedTrade:
    """A trade at a price of its own, cents per kWh."""

    trade: Trade
    cents_per_kwh: int

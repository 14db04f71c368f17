"""What is placed on the spot market and what comes of it: orders, fills, and why an order is not placed."""

from datetime import datetime
from typing import Final

import msgspec

from energy_swap_hub.market.trade import Side

FULL_REPUTATION: Final = 10_000  # basis points


class NotRestingError(LookupError):
    """The book holds no such order: it is unknown, filled, cancelled or expired."""


class WouldTradeError(ValueError):
    """A post-only order would trade at once with a resting order at ``cents_per_kwh``; it was not placed."""

    def __init__(self, order: SpotOrder, cents_per_kwh: int) -> None:
        word = "below" if order.side == Side.BUY else "above"
        super().__init__(f"at {order.limit} the order would trade at once: choose a limit {word} {cents_per_kwh}")
        self.cents_per_kwh = cents_per_kwh


class SpotOrder(msgspec.Struct, frozen=True, gc=False):
    """A wish to sell (buy) ``wh`` (> 0) at ``limit`` cents per kWh or more (less).

    ``number`` counts the orders of the book as they were placed: it decides among equal limits, and it is what the
    book knows an order by. From ``valid_until`` on the order trades no more; None: until cancelled.

    What else it may say: a buy order may name the one ``seller`` it trades with. ``reputation`` is the household's
    own score when it placed the order, and ``minimum_reputation`` the least score it trades with, both in basis
    points (0 to 10,000). A ``post_only`` order is refused rather than trade at once; once it rests it trades like
    any other.
    """

    number: int
    household: str
    side: Side
    wh: int
    limit: int
    valid_until: datetime | None = None
    seller: str | None = None
    reputation: int = 0
    minimum_reputation: int = 0
    post_only: bool = False

    def __post_init__(self) -> None:
        if self.side.__class__ is not Side:
            raise ValueError(f"an order's side is one of Side, not {self.side!r}")
        if self.wh <= 0 or self.limit < 0:
            raise ValueError(f"an order needs at least 1 Wh and no negative limit: {self}")
        if self.seller is not None and (self.side == Side.SELL or self.seller == self.household):
            raise ValueError(f"only a buy order names a seller, and not its own household: {self}")
        if not (0 <= self.reputation <= FULL_REPUTATION and 0 <= self.minimum_reputation <= FULL_REPUTATION):
            raise ValueError(f"a reputation is 0 to {FULL_REPUTATION} basis points: {self}")

    def is_valid_at(self, now: datetime) -> bool:
        """Whether the order may still trade."""
        return self.valid_until is None or now < self.valid_until

    def accepts(self, other: SpotOrder) -> bool:
        """Whether this order may trade with ``other``, of the other side, whatever the limits."""
        return (
            self.household != other.household
            and (self.seller is None or self.seller == other.household)
            and self.minimum_reputation <= other.reputation
        )


class Fill(msgspec.Struct, frozen=True, gc=False):
    """``wh`` go from ``seller`` to ``buyer`` at the limit of the ``resting`` order that the new ``taker`` met."""

    taker: int
    resting: int
    seller: str
    buyer: str
    wh: int
    cents_per_kwh: int

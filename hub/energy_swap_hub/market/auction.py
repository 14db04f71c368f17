"""The English auction: a quantity goes to the highest bid at the end, and a late bid moves the end."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from energy_swap_hub.explained import Explained

LATE: Final = timedelta(minutes=2)
STEP_PERCENT: Final = 1


class BidError(Explained, ValueError):
    """A bid cannot be taken; the text says why and what to do."""


class AuctionOverError(BidError):
    """The auction had ended when the bid came."""


class OwnAuctionError(BidError):
    """The bidder is the seller."""


class HasBidError(BidError):
    """The seller cannot take the auction back: somebody has bid."""


class BidTooLowError(BidError):
    """The price is below ``minimum`` (cents per kWh), the least that would be taken now."""

    def __init__(self, price: int, minimum: int) -> None:
        text = f"price: {price} cents/kWh is too low: bid at least {minimum}"
        super().__init__(text, "bid_too_low", price_cents=price, minimum_cents=minimum)
        self.minimum = minimum


@dataclass(frozen=True, slots=True)
class Bid:
    """``household`` would pay ``price`` cents per kWh for the whole quantity."""

    household: str
    price: int


@dataclass(frozen=True, slots=True)
class Auction:
    """The state of an auction: what is sold, until when, and the leading bid.

    ``wh`` goes as a whole; ``start_price`` (> 0, cents per kWh) is the least first bid; ``ends_at`` (aware UTC) is
    the first instant at which no bid is taken. Below ``reserve_price`` (None: no such price) nothing is sold; it
    is the seller's secret, so no text of the auction shows it. A bid is at least ``minimum_step`` cents per kWh
    (None: 1 %) above the leading one.
    """

    seller: str
    wh: int
    start_price: int
    ends_at: datetime
    leading: Bid | None = None
    reserve_price: int | None = field(default=None, repr=False)
    minimum_step: int | None = None

    def __post_init__(self) -> None:
        if self.wh <= 0 or self.start_price <= 0:
            raise ValueError(f"an auction needs at least 1 Wh and a start price of at least 1 cent/kWh: {self}")
        if self.ends_at.tzinfo is None:
            raise ValueError(f"an auction ends at an aware time, not {self.ends_at!r}")
        if self.reserve_price is not None and self.reserve_price < self.start_price:
            raise ValueError(f"a reserve price is at least the start price: {self}")
        if self.minimum_step is not None and self.minimum_step <= 0:
            raise ValueError(f"a step is at least 1 cent/kWh: {self}")

    @property
    def minimum_bid(self) -> int:
        """The least next bid: the start price, then the step above the leading bid.

        Without a step of the seller's it is 1 %, rounded up, so at least 1 cent.
        """
        if self.leading is None:
            return self.start_price
        return self.leading.price + (self.minimum_step or -(-self.leading.price * STEP_PERCENT // 100))

    @property
    def is_reserve_met(self) -> bool:
        """Whether the leading bid would buy the quantity if the auction ended now."""
        return self.leading is not None and self.leading.price >= (self.reserve_price or 0)

    def is_over_at(self, now: datetime) -> bool:
        """Whether the auction has ended, with or without a bid."""
        return now >= self.ends_at


def place_bid(auction: Auction, bid: Bid, now: datetime) -> tuple[Auction, Bid | None]:
    """Return the auction led by ``bid``, and the bid it replaces, whose money is to be released at once.

    A bid in the last two minutes moves the end to two minutes after it. The leader may raise its own bid; then the
    bid to release is its own former one. Raise `AuctionOverError`, `OwnAuctionError` or `BidTooLowError`.
    """
    if auction.is_over_at(now):
        raise _over(auction, "auction: it", "the household's state lists the open ones")
    if bid.household == auction.seller:
        raise OwnAuctionError(f"auction: {bid.household} cannot bid in its own; bid in another", "own_auction")
    if bid.price < auction.minimum_bid:
        raise BidTooLowError(bid.price, auction.minimum_bid)
    return replace(auction, leading=bid, ends_at=max(auction.ends_at, now + LATE)), auction.leading


def check_cancel(auction: Auction, now: datetime) -> None:
    """Raise `AuctionOverError` or `HasBidError` if the seller can no longer take ``auction`` back."""
    if auction.is_over_at(now):
        raise _over(auction, "order: the auction", "only one that runs can be cancelled")
    if auction.leading is not None:
        text = f"order: {auction.leading.household} has bid; only an auction without a bid can be cancelled"
        raise HasBidError(text, "auction_has_bid")


def _over(auction: Auction, what: str, accepted: str) -> AuctionOverError:
    return AuctionOverError(f"{what} ended at {auction.ends_at.isoformat()}; {accepted}", "auction_over")


def winning_bid(auction: Auction, now: datetime) -> Bid | None:
    """Return the bid that won; None if nobody bid, or nobody the reserve price.

    Then the money of a leading bid is to be released. Raise ValueError while the auction still runs.
    """
    if not auction.is_over_at(now):
        raise ValueError(f"the auction runs until {auction.ends_at.isoformat()}")
    return auction.leading if auction.is_reserve_met else None
